import { randomInt } from 'node:crypto'

/**
 * How many inputs a property is given: a few in the suite, always the same ones, or as many as `FUZZ_RUNS` says, other ones each
 * time unless `FUZZ_SEED` says which. The seed of those is printed: a property that fails by it fails by it again. A costly property
 * beside others on the same kind of input takes a `share` of them.
 */
export function fuzzRuns(inSuite: number, share = 1): { numRuns: number; seed: number } {
  const runs = Number(process.env['FUZZ_RUNS'] ?? 0)
  return runs > 0 ? { numRuns: Math.ceil(runs * share), seed: SEED } : { numRuns: inSuite, seed: 6 }
}

const SEED = Number(process.env['FUZZ_SEED'] ?? randomInt(0x7fff_ffff))
if (process.env['FUZZ_RUNS'] !== undefined) process.stdout.write(`FUZZ_RUNS=${process.env['FUZZ_RUNS']} FUZZ_SEED=${SEED}\n`)

interface Candidate {
  /** First measurement over the time that its length allows. */
  readonly share: number
  readonly allowedMs: number
  readonly input: unknown
  readonly again: () => unknown
}

/** So many of the slowest are looked at once more. */
const CANDIDATES = 20
const ALLOWED_MS_PER_KIB = 1

/**
 * Watches that no input takes longer than a millisecond for each of its KiB, begun ones counted whole. What is slow at first sight
 * is only suspected: it may have been the machine. The least of several measurements is what an input takes.
 */
export class Stopwatch {
  #candidates: Candidate[] = []
  #bar = 0

  /** `length` in characters. */
  time<T>(input: unknown, length: number, task: () => T): T {
    const startedAt = performance.now()
    const result = task()
    this.#note(performance.now() - startedAt, input, length, task)
    return result
  }

  /** As `time`; for what is no faster than its promise. */
  async timeAsync<T>(input: unknown, length: number, task: () => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    const result = await task()
    this.#note(performance.now() - startedAt, input, length, task)
    return result
  }

  #note(tookMs: number, input: unknown, length: number, again: () => unknown): void {
    const allowedMs = Math.ceil(Math.max(length, 1) / 1024) * ALLOWED_MS_PER_KIB
    const share = tookMs / allowedMs
    if (share <= this.#bar) return
    this.#candidates.push({ share, allowedMs, input, again })
    if (this.#candidates.length < 2 * CANDIDATES) return
    this.#candidates = this.#candidates.sort((a, b) => b.share - a.share).slice(0, CANDIDATES)
    this.#bar = this.#candidates.at(-1)!.share
  }

  /** The slowest input that is too slow however often it is tried, in words; undefined for none. */
  async tooSlow(): Promise<string | undefined> {
    for (const { allowedMs, input, again } of this.#candidates) {
      let leastMs = Infinity
      for (let i = 0; i < 30 && leastMs > allowedMs; i++) {
        const startedAt = performance.now()
        await again()
        leastMs = Math.min(leastMs, performance.now() - startedAt)
      }
      if (leastMs > allowedMs) return `${leastMs.toFixed(2)} ms, allowed ${allowedMs}: ${JSON.stringify(input).slice(0, 2_000)}`
    }
    return undefined
  }
}
