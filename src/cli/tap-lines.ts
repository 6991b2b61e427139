import type { Tapped } from '../call/tapped.js'
import type { Terminal } from './terminal.js'
import { duration, orNone, timeOfDay, whole } from './units.js'
import { cut, fit, printable, widthOf } from './width.js'

/** Lines of what happens, one after another: columns grow with what they have held, since nobody knows what will come. */
export class TapLines {
  readonly #out: Terminal
  readonly #widths: number[] = []

  constructor(out: Terminal) {
    this.#out = out
  }

  readonly lineOf = (event: Tapped): string => {
    const { kind, caller, callee, instance, method, route, status, durationMs, error, resends, hedge, traceId } = event
    const { good, warn, bad, dim } = this.#out.style
    const paintOfStatus = error != null || (status ?? 0) >= 500 ? bad : (status ?? 0) >= 400 ? warn : good
    const notes = [...(hedge ? ['hedge'] : []), ...(resends > 0 ? [`retry ${resends}`] : []), ...(error == null ? [] : [error])]
    const parts: readonly Part[] = [
      { text: timeOfDay(event.at), paint: dim },
      { text: orNone(caller), most: 24 },
      { text: kind === 'request' ? '⇒' : '→', paint: dim },
      { text: instance == null ? callee : `${callee} ${instance}`, most: 40 },
      { text: `${orNone(method)} ${orNone(route)}`, most: 36 },
      { text: whole(status), align: 'right', paint: paintOfStatus },
      { text: duration(durationMs), align: 'right' },
      { text: notes.join(', '), paint: error == null ? warn : bad, most: 40 },
      { text: orNone(traceId), paint: dim },
    ]
    return this.#draw(parts)
  }

  #draw(parts: readonly Part[]): string {
    let line = ''
    let left = this.#out.columns
    for (const [i, { text, most = Infinity, align, paint = (plain: string) => plain }] of parts.entries()) {
      const gap = i === 0 ? '' : '  '
      if (left - gap.length < 1) break
      const shown = cut(printable(text), most)
      const width = Math.max(this.#widths[i] ?? 0, widthOf(shown))
      this.#widths[i] = width
      const columns = Math.min(width, left - gap.length)
      line += gap + paint(fit(shown, columns, align))
      left -= gap.length + columns
    }
    return line
  }
}

interface Part {
  readonly text: string
  readonly align?: 'right'
  readonly paint?: (text: string) => string
  /** Columns that it takes at most. */
  readonly most?: number
}
