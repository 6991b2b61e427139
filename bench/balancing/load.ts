import type { Arrival } from './arrivals.js'
import type { Caller } from './rule.js'

/** What became of the requests of a plan that count. */
export interface Outcome {
  /** From the moment at which a request was due: of those that were answered well, and of those that waited in vain. */
  readonly latenciesMs: Float64Array
  readonly requests: number
  /** How often it failed, by what happened: `500`, `UND_ERR_SOCKET`, `timeout`. */
  readonly failures: Readonly<Record<string, number>>
  /** Share of the time in which this process was busy, 0–1. */
  readonly utilization: number
  /** How late requests were sent, at the 99th percentile: what the load itself adds to a latency. */
  readonly lateP99Ms: number
}

export interface Load {
  readonly arrivals: readonly Arrival[]
  readonly callers: readonly Caller[]
  /** Requests that are due before that do not count. */
  readonly warmupMs: number
  readonly timeoutMs: number
}

/** Sends each request when it is due, whether or not the ones before it were answered. */
export async function playLoad({ arrivals, callers, warmupMs, timeoutMs }: Load): Promise<Outcome> {
  const latenciesMs: number[] = []
  const latesMs: number[] = []
  const failures: Record<string, number> = {}
  const before = performance.eventLoopUtilization()
  const startedAt = performance.now()
  const sinceStart = (): number => performance.now() - startedAt

  const send = async ({ atMs, caller, workMs }: Arrival): Promise<void> => {
    const lateMs = sinceStart() - atMs
    let failure: string | undefined
    try {
      const status = await callers[caller]!.send(workMs)
      if (status !== 200) failure = String(status)
    } catch (error) {
      failure = nameOf(error)
    }
    if (atMs < warmupMs) return
    const tookMs = sinceStart() - atMs
    latesMs.push(lateMs)
    const inVain = failure !== undefined && tookMs >= 0.9 * timeoutMs
    if (failure !== undefined) {
      const name = inVain ? 'timeout' : failure
      failures[name] = (failures[name] ?? 0) + 1
    }
    // A failure that comes at once would make a latency look good.
    if (failure === undefined || inVain) latenciesMs.push(inVain ? Math.max(timeoutMs, tookMs) : tookMs)
  }

  const sent: Promise<void>[] = []
  for (const arrival of arrivals) {
    const early = arrival.atMs - sinceStart()
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early))
    sent.push(send(arrival))
  }
  await Promise.all(sent)
  latesMs.sort((a, b) => a - b)
  return {
    latenciesMs: Float64Array.from(latenciesMs).sort(),
    requests: latesMs.length,
    failures,
    utilization: performance.eventLoopUtilization(before).utilization,
    lateP99Ms: latesMs[Math.floor(0.99 * latesMs.length)] ?? 0,
  }
}

function nameOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: unknown }
  return String(code ?? name ?? error)
}
