import type { Mesh } from '../../src/index.js'

export interface CallsReport {
  readonly calls: number
  /** Calls that failed, or were answered with anything but 200. */
  readonly lost: readonly string[]
  /** Bodies of the answers, which are the names of who answered → how many. */
  readonly servedBy: Readonly<Record<string, number>>
  /** Of the calls that were answered, from the fastest to the slowest. */
  readonly latenciesMs: readonly number[]
}

/** GETs to `users` at a steady rate, whatever becomes of the calls before; a machine that cannot do as many skips what is beyond `mostUnderWay`. */
export function startCalls(mesh: Mesh, perSec: number, { mostUnderWay = Infinity }: { readonly mostUnderWay?: number } = {}): { stop(): Promise<CallsReport> } {
  const startedAt = performance.now()
  const underWay = new Set<Promise<void>>()
  const lost: string[] = []
  const servedBy: Record<string, number> = {}
  const latenciesMs: number[] = []
  let calls = 0
  let skipped = 0

  const callOnce = async (): Promise<void> => {
    const calledAt = performance.now()
    try {
      const reply = await mesh.service('users').get('/')
      const body = await reply.text()
      if (reply.status !== 200) return void lost.push(`${reply.status} ${body}`)
      latenciesMs.push(performance.now() - calledAt)
      servedBy[body] = (servedBy[body] ?? 0) + 1
    } catch (error) {
      lost.push(String(error))
    }
  }
  const timer = setInterval(() => {
    for (const due = ((performance.now() - startedAt) / 1000) * perSec; calls + skipped < due; ) {
      if (underWay.size >= mostUnderWay) {
        skipped++
        continue
      }
      calls++
      const call: Promise<void> = callOnce().then(() => void underWay.delete(call))
      underWay.add(call)
    }
  }, 10)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
      return { calls, lost, servedBy, latenciesMs: latenciesMs.sort((a, b) => a - b) }
    },
  }
}

export function percentile(sorted: readonly number[], ratio: number): number {
  return sorted[Math.floor(sorted.length * ratio)] ?? NaN
}
