/** Stands where there is no value. */
export const NONE = '–'

type Value = number | null | undefined

function isNone(value: Value): value is null | undefined {
  return value == null || !Number.isFinite(value)
}

/** `0.42 ms`, `12.3 ms`, `840 ms`, `1.24 s`, `2 min 5 s`. */
export function duration(ms: Value): string {
  if (isNone(ms)) return NONE
  if (ms < 0.9995) return `${ms.toFixed(2)} ms`
  if (ms < 99.95) return `${ms.toFixed(1)} ms`
  if (ms < 999.5) return `${ms.toFixed(0)} ms`
  return ms < 59_995 ? `${(ms / 1000).toFixed(2)} s` : span(ms)
}

/** A length of time for people: `4 s`, `2 min 5 s`, `3 h 10 min`, `2 d 1 h`. */
export function span(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return parts(seconds, 60, 'min', 's')
  return seconds < 86_400 ? parts(Math.round(seconds / 60), 60, 'h', 'min') : parts(Math.round(seconds / 3600), 24, 'd', 'h')
}

function parts(count: number, base: number, large: string, small: string): string {
  const rest = count % base
  return `${Math.floor(count / base)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`
}

/** `0.25/s`, `48.1/s`, `1250/s`. */
export function rate(perSec: Value): string {
  if (isNone(perSec)) return NONE
  if (perSec !== 0 && perSec < 9.995) return `${perSec.toFixed(2)}/s`
  return `${perSec.toFixed(perSec < 99.95 && perSec !== 0 ? 1 : 0)}/s`
}

/** `100 %` for all and for nothing less than all, `99.97 %`, `87.5 %`. */
export function percent(ratio: Value): string {
  if (isNone(ratio)) return NONE
  const hundredths = Math.floor(ratio * 10_000 + 1e-6) / 100
  if (hundredths >= 100 || hundredths === 0) return `${Math.round(hundredths)} %`
  return `${hundredths >= 99 ? hundredths.toFixed(2) : (Math.floor(hundredths * 10) / 10).toFixed(1)} %`
}

export function whole(count: Value): string {
  return isNone(count) ? NONE : String(Math.round(count))
}

/** A number without a unit, to two places at most. */
export function plain(value: Value): string {
  return isNone(value) ? NONE : String(Math.round(value * 100) / 100)
}

/** `now`, `4 s ago`, `2 min 5 s ago`. */
export function ago(at: Value, nowMs: number): string {
  if (isNone(at) || at <= 0) return NONE
  return nowMs - at < 500 ? 'now' : `${span(nowMs - at)} ago`
}

const clockFace = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' })

/** The time of the day here, to the millisecond. */
export function timeOfDay(at: Value): string {
  return isNone(at) ? NONE : clockFace.format(at)
}

export function orNone(text: string | number | null | undefined): string {
  return text == null || text === '' ? NONE : String(text)
}

/** `1 instance`, `2 instances`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
