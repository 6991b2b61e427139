const SIGNALS = ['SIGTERM', 'SIGINT'] as const

/**
 * Drains on SIGTERM and SIGINT, and then lets the signal do what it does without a handler. A second signal does so at
 * once. Returns the way out.
 */
export function onSignals(drain: () => Promise<void>): () => void {
  const stopListening = (): void => {
    for (const signal of SIGNALS) process.off(signal, first).off(signal, second)
  }
  const end = (signal: NodeJS.Signals): void => {
    stopListening()
    process.kill(process.pid, signal)
  }
  const second = end
  const first = (signal: NodeJS.Signals): void => {
    for (const name of SIGNALS) process.off(name, first).on(name, second)
    // Drained or failed to: the process was asked to end.
    void drain().then(
      () => end(signal),
      () => end(signal),
    )
  }
  for (const signal of SIGNALS) process.on(signal, first)
  return stopListening
}
