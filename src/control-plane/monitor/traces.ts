import type { Span } from './span.js'

export interface TracesOptions {
  /** Most that all spans kept may hold, roughly. */
  readonly maxBytes: number
}

/** About 50,000 spans of the usual size. */
export const tracesDefaults: TracesOptions = Object.freeze({ maxBytes: 32 * 1024 * 1024 })

interface Kept {
  readonly span: Span
  readonly bytes: number
}

/** The spans that came last, by trace. When there are too many bytes of them the oldest go. */
export class Traces {
  readonly #maxBytes: number
  readonly #byTrace = new Map<string, Map<string, Span>>()
  #queue: Kept[] = []
  #oldest = 0
  #bytes = 0

  constructor({ maxBytes }: TracesOptions = tracesDefaults) {
    this.#maxBytes = maxBytes
  }

  /** Adds a span, unless it is here already: exporters send a batch again when they saw no answer. */
  add(span: Span): void {
    const trace = this.#byTrace.get(span.traceId) ?? new Map<string, Span>()
    if (trace.has(span.spanId)) return
    this.#byTrace.set(span.traceId, trace.set(span.spanId, span))
    const bytes = sizeOf(span)
    this.#queue.push({ span, bytes })
    this.#bytes += bytes
    while (this.#bytes > this.#maxBytes) this.#forgetOldest()
  }

  /** Every span kept, oldest first. */
  *spans(): Iterable<Span> {
    for (let i = this.#oldest; i < this.#queue.length; i++) yield this.#queue[i]!.span
  }

  /** The spans of one trace; undefined when none is kept. */
  trace(traceId: string): readonly Span[] | undefined {
    const trace = this.#byTrace.get(traceId)
    return trace === undefined ? undefined : [...trace.values()].sort((a, b) => a.startAt - b.startAt)
  }

  /** The ids of the traces that began to arrive last, newest first. */
  *newest(): Iterable<string> {
    yield* [...this.#byTrace.keys()].reverse()
  }

  #forgetOldest(): void {
    const { span, bytes } = this.#queue[this.#oldest++]!
    this.#bytes -= bytes
    const trace = this.#byTrace.get(span.traceId)
    trace?.delete(span.spanId)
    if (trace?.size === 0) this.#byTrace.delete(span.traceId)
    if (this.#oldest * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#oldest)
      this.#oldest = 0
    }
  }
}

// What the objects and ids of one span take, besides its texts.
const SPAN_BYTES = 400

function sizeOf({ name, statusMessage, attributes, events }: Span): number {
  const texts = name.length + statusMessage.length
  return SPAN_BYTES + texts + JSON.stringify(attributes).length + (events.length === 0 ? 0 : JSON.stringify(events).length)
}
