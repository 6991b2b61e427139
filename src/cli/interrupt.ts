const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Hands the task a signal that aborts with Ctrl-C, or when the process is asked to end, and lets it end in order. */
export async function untilInterrupted<T>(task: (signal: AbortSignal, interrupt: () => void) => Promise<T>): Promise<T> {
  const aborter = new AbortController()
  const interrupt = (): void => aborter.abort()
  for (const name of SIGNALS) process.once(name, interrupt)
  try {
    return await task(aborter.signal, interrupt)
  } finally {
    for (const name of SIGNALS) process.off(name, interrupt)
  }
}
