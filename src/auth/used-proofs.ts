import { hash } from 'node:crypto'

/** What became of a proof that was shown. */
export type FirstUse = 'first' | 'again' | 'full'

/** So many proofs are remembered at most: more than a process can verify within a minute. */
const MAX_PROOFS = 500_000

/**
 * Remembers which proofs were used, each for as long as it would be taken. They lie in one heap for each second in which they
 * were made, which is signed and stays the same: a heap whose time is over goes as a whole, so that remembering costs no search, and
 * what is remembered is never more than comes within the time for which a proof is taken.
 */
export class UsedProofs {
  readonly #heaps = new Map<number, Set<string>>()
  /** The second in which the past ones were last looked for. */
  #lookedAt = -1
  readonly #keptMs: number
  readonly #max: number
  #size = 0

  /** `keptMs`: for how long after it was made a proof is taken. */
  constructor(keptMs: number, max: number = MAX_PROOFS) {
    this.#keptMs = keptMs
    this.#max = max
  }

  get size(): number {
    return this.#size
  }

  /** Takes note of a proof of this key. When too many are remembered none is first: a flood costs calls, not memory or a replay. */
  use({ thumbprint, jti, issuedAt }: { readonly thumbprint: string; readonly jti: string; readonly issuedAt: number }, epochMs: number): FirstUse {
    this.#dropPast(epochMs)
    const second = Math.floor(issuedAt / 1000)
    // Of a length of its own, whatever the caller wrote.
    const id = hash('sha256', `${thumbprint} ${jti}`, 'binary' as 'base64')
    const heap = this.#heaps.get(second)
    if (heap?.has(id) === true) return 'again'
    if (this.#size >= this.#max) return 'full'
    if (heap === undefined) this.#heaps.set(second, new Set([id]))
    else heap.add(id)
    this.#size++
    return 'first'
  }

  /** There are as many heaps as seconds, and they are looked at once in each. */
  #dropPast(epochMs: number): void {
    const second = Math.floor(epochMs / 1000)
    if (second === this.#lookedAt) return
    this.#lookedAt = second
    for (const [madeIn, heap] of this.#heaps) {
      if ((madeIn + 1) * 1000 + this.#keptMs > epochMs) continue
      this.#heaps.delete(madeIn)
      this.#size -= heap.size
    }
  }
}
