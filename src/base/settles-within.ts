import type { Clock } from './clock.js'

/**
 * Waits until `promise` settles, at most `timeoutMs`, and keeps the process alive meanwhile.
 * Fulfils with whether it settled; never rejects.
 */
export function settlesWithin(clock: Clock, timeoutMs: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.afterHolding(timeoutMs, () => resolve(false))
    const settle = (): void => {
      timer.cancel()
      resolve(true)
    }
    promise.then(settle, settle)
  })
}
