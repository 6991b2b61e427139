import { median } from './comparison.js'
import type { Played } from './stage.js'

/** How far the figures are the rules' and not the machine's. */
export interface Calm {
  /** Busy share of the process that sends, 0–1: median and most of the plays. */
  readonly clientRatio: { readonly median: number; readonly most: number }
  /** Busy share of the whole machine, 0–1, other people's work included. */
  readonly machineRatio: { readonly median: number; readonly most: number }
  /** How late the 99th percentile of the requests was sent. */
  readonly lateP99Ms: { readonly median: number; readonly most: number }
}

const MOST_CLIENT_RATIO = 0.6
const MOST_MACHINE_RATIO = 0.8
const MOST_LATE_MS = 10

export function calmOf(played: readonly Played[]): Calm {
  const of = (values: readonly number[]): Calm['clientRatio'] => ({ median: median(values), most: Math.max(...values) })
  return {
    clientRatio: of(played.map(({ utilization }) => utilization)),
    machineRatio: of(played.map(({ machineRatio }) => machineRatio)),
    lateP99Ms: of(played.map(({ lateP99Ms }) => lateP99Ms)),
  }
}

/** What a reader should know before believing the figures. */
export function warningsOf({ clientRatio, machineRatio, lateP99Ms }: Calm): readonly string[] {
  const warnings: string[] = []
  if (clientRatio.most > MOST_CLIENT_RATIO) warnings.push(`the client's event loop was ${percent(clientRatio.most)} busy in a play: it may be what is measured`)
  if (machineRatio.most > MOST_MACHINE_RATIO) warnings.push(`the machine was ${percent(machineRatio.most)} busy in a play: run this when it is calm`)
  if (lateP99Ms.most > MOST_LATE_MS) warnings.push(`requests were sent ${lateP99Ms.most.toFixed(0)} ms late at p99 in a play`)
  return warnings
}

export function percent(ratio: number): string {
  return `${(100 * ratio).toFixed(0)} %`
}
