import { onTestFinished } from 'vitest'

/** Tells again and again, for those who may not be listening yet; one telling is over before the next begins. */
export function onceListening(tell: () => Promise<void>): { stop(): Promise<void> } {
  let isOver = false
  const telling = (async () => {
    while (!isOver) {
      await tell()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })()
  telling.catch(() => {})
  const stop = (): Promise<void> => {
    isOver = true
    return telling
  }
  onTestFinished(() => void (isOver = true))
  return { stop }
}
