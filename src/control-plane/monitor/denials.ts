import type { DenialRow } from './answers.js'
import type { Request } from './span-facts.js'
import type { Window } from './tally.js'

type Denial = Request & { readonly error: string }

const DENIALS: ReadonlySet<string | null> = new Set(['MESH_ERR_UNAUTHENTICATED', 'MESH_ERR_FORBIDDEN'])
const MAX_TEXT_LENGTH = 1_000

export function isDenial(request: Request): request is Denial {
  return DENIALS.has(request.error)
}

/** The denials that came last. */
export class Denials {
  readonly #max: number
  #kept: DenialRow[] = []

  constructor(max: number) {
    this.#max = max
  }

  add({ at, service, peer, address, status, error, reason, method, path }: Denial, traceId: string): void {
    this.#kept.push({ at, service, caller: peer, address, status, code: error, reason: clipped(reason), method, path: clipped(path), traceId })
    if (this.#kept.length > 2 * this.#max) this.#kept = this.#kept.slice(-this.#max)
  }

  /** Newest first. */
  list({ now, windowSec }: Window, service: string | null, limit: number): readonly DenialRow[] {
    const from = now - windowSec * 1_000
    const wanted = this.#kept.slice(-this.#max).filter((denial) => denial.at >= from && (service === null || denial.service === service))
    return wanted.sort((a, b) => b.at - a.at).slice(0, limit)
  }
}

/** A copy, since a mere part of a text keeps the whole of it. */
function clipped(text: string | null): string | null {
  return text === null || text.length <= MAX_TEXT_LENGTH ? text : Buffer.from(text.slice(0, MAX_TEXT_LENGTH)).toString()
}
