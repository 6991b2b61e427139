// Figures as texts, short and of even length, so that columns can be compared at a glance.

const NBSP = '\u00a0'

/** `0.4`, `12`, `1,204`, `18.3k`: how many a second. */
export function perSecond(rate: number): string {
  if (rate === 0) return '0'
  if (rate < 0.05) return '<0.1'
  if (rate < 9.95) return rate.toFixed(1)
  if (rate < 9_999.5) return count(Math.round(rate))
  return `${(rate / 1_000).toFixed(1)}k`
}

/** `1,204` */
export function count(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ',')
}

/** `100 %`, `99.95 %`, `87.5 %`; never rounded up to a hundred, for one failure is not none. */
export function percent(ratio: number): string {
  const value = ratio * 100
  if (value >= 100) return `100${NBSP}%`
  if (value >= 99) return `${(Math.floor(value * 100) / 100).toFixed(2)}${NBSP}%`
  return `${value.toFixed(1)}${NBSP}%`
}

/** `0.42 ms`, `8.3 ms`, `84 ms`, `1.24 s`, `2.1 min` */
export function duration(ms: number): string {
  if (ms === 0) return `0${NBSP}ms`
  if (ms < 0.995) return `${ms.toFixed(2)}${NBSP}ms`
  if (ms < 9.95) return `${ms.toFixed(1)}${NBSP}ms`
  if (ms < 999.5) return `${ms.toFixed(0)}${NBSP}ms`
  if (ms < 59_995) return `${(ms / 1_000).toFixed(2)}${NBSP}s`
  return `${(ms / 60_000).toFixed(1)}${NBSP}min`
}

/** `now`, `12 s`, `3 min`, `2 h`: how long ago. */
export function age(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1_000)
  if (seconds < 2) return 'now'
  if (seconds < 60) return `${seconds}${NBSP}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}${NBSP}min`
  return `${Math.floor(seconds / 3_600)}${NBSP}h`
}

/** `14:03:07.250`, in the reader's own time. */
export function clockTime(at: number): string {
  const date = new Date(at)
  const two = (value: number): string => String(value).padStart(2, '0')
  const seconds = `${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
  return `${two(date.getHours())}:${two(date.getMinutes())}:${seconds}`
}

/** `users-1@sidecarless` → `users-1`: the registry adds its node's name, which is the same for all. */
export function shortId(id: string): string {
  return id.split('@')[0]!
}

/** `1 instance`, `3 instances` */
export function plural(value: number, word: string): string {
  return `${count(value)}${NBSP}${word}${value === 1 ? '' : 's'}`
}
