import { constants } from 'node:os'

const SIGNALS = ['SIGTERM', 'SIGINT'] as const

type Signal = (typeof SIGNALS)[number]

/**
 * Drains on SIGTERM and SIGINT, and then ends the process as the signal does without a handler. A second signal does so
 * at once. Returns the way out.
 */
export function onSignals(drain: () => Promise<void>): () => void {
  const stopListening = (): void => {
    for (const signal of SIGNALS) process.off(signal, first).off(signal, end)
  }
  const end = (signal: Signal): void => {
    stopListening()
    // The kernel keeps such a signal from process 1, which a container's program is, and a listener of somebody else keeps
    // it from having its effect.
    if (process.pid === 1 || process.listenerCount(signal) > 0) process.exit(128 + constants.signals[signal])
    process.kill(process.pid, signal)
  }
  const first = (signal: Signal): void => {
    for (const name of SIGNALS) process.off(name, first).on(name, end)
    // Drained or failed to: the process was asked to end.
    void drain().then(
      () => end(signal),
      () => end(signal),
    )
  }
  for (const signal of SIGNALS) process.on(signal, first)
  return stopListening
}
