import type { EdgeRow } from './answers.js'
import { Bounded } from './bounded.js'
import type { Names } from './names.js'
import type { Attempt, Call } from './span-facts.js'
import { Sums, Tally, type Window } from './tally.js'

const COUNT = 0
const ERRORS = 1
const RETRIES = 2
const HEDGES = 3
const CALLS = 4
const COLUMNS = 5

interface Edge {
  readonly caller: string
  readonly callee: string
  readonly isNamed: boolean
  readonly tally: Tally
  lastAt: number
  /** When the callee last knew the caller for sure; 0 for never. */
  mutualAt: number
}

export class Edges {
  readonly #edges: Bounded<Edge>

  constructor(max: number) {
    this.#edges = new Bounded(max)
  }

  attempted({ at, caller, callee, isNamed, failed, resends, hedge, durationMs }: Attempt, now: number): void {
    const edge = this.#at(caller, callee, isNamed, at, now)
    if (edge === undefined) return
    const { tally } = edge
    tally.count(COUNT, at)
    tally.took(durationMs, at)
    if (failed) tally.count(ERRORS, at)
    if (resends > 0) tally.count(RETRIES, at)
    if (hedge) tally.count(HEDGES, at)
  }

  called({ at, caller, callee }: Call, now: number): void {
    this.#at(caller, callee, true, at, now)?.tally.count(CALLS, at)
  }

  verified(caller: string, callee: string, at: number, now: number): void {
    const edge = this.#at(caller, callee, true, at, now)
    if (edge !== undefined) edge.mutualAt = Math.max(edge.mutualAt, at)
  }

  list(window: Window, names: Names): readonly EdgeRow[] {
    const from = window.now - window.windowSec * 1_000
    const found = new Map<string, { caller: string; callee: string; sums: Sums; mutual: boolean }>()
    for (const edge of this.#edges.all()) {
      if (edge.lastAt < from) continue
      const callee = names.of(edge)
      const key = keyOf(edge.caller, callee)
      const one = found.get(key) ?? { caller: edge.caller, callee, sums: new Sums(COLUMNS, window), mutual: false }
      found.set(key, one)
      one.sums.add(edge.tally)
      one.mutual ||= edge.mutualAt >= from
    }
    return [...found.values()].filter(({ sums }) => sums.count(COUNT) + sums.count(CALLS) > 0).map(statisticsOf)
  }

  get size(): number {
    return this.#edges.size
  }

  get bytes(): number {
    let bytes = 0
    for (const { tally } of this.#edges.all()) bytes += tally.bytes
    return bytes
  }

  #at(caller: string, callee: string, isNamed: boolean, at: number, now: number): Edge | undefined {
    const make = (): Edge => ({ caller, callee, isNamed, tally: new Tally(COLUMNS, { durations: true }), lastAt: 0, mutualAt: 0 })
    const edge = this.#edges.at(keyOf(caller, callee, isNamed), now, make)
    if (edge !== undefined && at > edge.lastAt) edge.lastAt = at
    return edge
  }
}

function statisticsOf({ caller, callee, sums, mutual }: { caller: string; callee: string; sums: Sums; mutual: boolean }): EdgeRow {
  const figures = sums.figures(COUNT, ERRORS)
  const retries = sums.count(RETRIES)
  const hedges = sums.count(HEDGES)
  return {
    caller,
    callee,
    // A caller that has no spans for whole calls makes one by each attempt that is the first of its kind.
    calls: sums.count(CALLS) || figures.count - retries - hedges,
    attempts: figures.count,
    retries,
    hedges,
    ...figures,
    mutual,
  }
}

function keyOf(...parts: readonly (string | boolean)[]): string {
  return JSON.stringify(parts)
}
