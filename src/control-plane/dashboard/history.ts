// How each service has fared since the page was opened: one sample for each answer.
import type { ServiceRow } from '../monitor/answers.js'

/** Columns, as charts want them; null where nothing was known or nothing was asked. */
export interface History {
  readonly at: number[]
  readonly perSec: (number | null)[]
  readonly successRatio: (number | null)[]
  readonly p50Ms: (number | null)[]
  readonly p99Ms: (number | null)[]
}

/** Each sample tells of so many seconds, whatever window the tables show. */
export const SAMPLE_SEC = 10
const MOST_SAMPLES = 600
/** With no sample for so long, the line is broken. */
const GAP_MS = 5_000

export class Histories {
  readonly #byService = new Map<string, History>()

  add(at: number, rows: readonly ServiceRow[]): void {
    for (const row of rows) {
      const history = this.of(row.service)
      const last = history.at.at(-1)
      if (last !== undefined && at <= last) continue
      if (last !== undefined && at - last > GAP_MS) push(history, last + 1, undefined)
      push(history, at, row)
    }
  }

  of(service: string): History {
    const known = this.#byService.get(service) ?? { at: [], perSec: [], successRatio: [], p50Ms: [], p99Ms: [] }
    this.#byService.set(service, known)
    return known
  }
}

function push(history: History, at: number, row: ServiceRow | undefined): void {
  const isMeasured = row !== undefined && row.count > 0
  history.at.push(at)
  history.perSec.push(row?.perSec ?? null)
  history.successRatio.push(isMeasured ? row.successRatio : null)
  history.p50Ms.push(isMeasured ? row.p50Ms : null)
  history.p99Ms.push(isMeasured ? row.p99Ms : null)
  if (history.at.length > MOST_SAMPLES) for (const column of Object.values(history) as unknown[][]) column.shift()
}
