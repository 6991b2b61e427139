import { readDurationMs } from './arguments.js'
import type { OptionInfo } from './command.js'
import { span } from './units.js'

/** How far back a command looks. */
export const windowOption = {
  window: { type: 'string', short: 'w', value: '<time>', about: 'how far back to look, 1s to 10m (default 60s)' },
} as const satisfies Record<string, OptionInfo>

const DEFAULT_SEC = 60
const RANGE_MS = [1_000, 600_000] as const

/** Throws `UsageError`. */
export function readWindowSec(given: string | undefined): number {
  return given === undefined ? DEFAULT_SEC : Math.round(readDurationMs(given, '--window', RANGE_MS) / 1000)
}

/** `the last 60 s`, `the last 5 min`. */
export function windowInWords(windowSec: number): string {
  return windowSec < 120 ? `the last ${windowSec} s` : `the last ${span(windowSec * 1000)}`
}
