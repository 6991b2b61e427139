import type { Attributes, Span } from './span.js'

export interface TracesOptions {
  /** Most that all spans kept may hold, roughly. */
  readonly maxBytes: number
}

/** About 30,000 spans of the usual size. */
export const tracesDefaults: TracesOptions = Object.freeze({ maxBytes: 32 * 1024 * 1024 })

interface Kept {
  readonly span: Span
  readonly bytes: number
}

/** The spans that came last, by trace. When there are too many bytes of them the oldest go. */
export class Traces {
  readonly maxBytes: number
  readonly #byTrace = new Map<string, Map<string, Span>>()
  #queue: Kept[] = []
  #oldest = 0
  #bytes = 0

  constructor({ maxBytes }: TracesOptions = tracesDefaults) {
    this.maxBytes = maxBytes
  }

  /** Adds a span; false when it is here already, since exporters send a batch again when they saw no answer. */
  add(span: Span): boolean {
    const trace = this.#byTrace.get(span.traceId) ?? new Map<string, Span>()
    if (trace.has(span.spanId)) return false
    this.#byTrace.set(span.traceId, trace.set(span.spanId, span))
    const bytes = sizeOf(span)
    this.#queue.push({ span, bytes })
    this.#bytes += bytes
    while (this.#bytes > this.maxBytes) this.#forgetOldest()
    return true
  }

  get bytes(): number {
    return this.#bytes
  }

  /** How many spans are kept. */
  get spanCount(): number {
    return this.#queue.length - this.#oldest
  }

  /** How many traces are kept, or parts of one. */
  get size(): number {
    return this.#byTrace.size
  }

  /** Every span kept, oldest first. */
  *spans(): Iterable<Span> {
    for (let i = this.#oldest; i < this.#queue.length; i++) yield this.#queue[i]!.span
  }

  /** The spans of one trace by their ids, in the order in which they came; undefined when none is kept. */
  trace(traceId: string): ReadonlyMap<string, Span> | undefined {
    return this.#byTrace.get(traceId)
  }

  /** The ids of the traces that began to arrive last, newest first. */
  newest(): readonly string[] {
    return [...this.#byTrace.keys()].reverse()
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

// What the objects and ids of one span take, besides its texts; measured.
const SPAN_BYTES = 400
const ATTRIBUTE_BYTES = 32

function sizeOf({ name, statusMessage, attributes, events }: Span): number {
  let bytes = SPAN_BYTES + name.length + statusMessage.length + sizeOfAttributes(attributes)
  for (const event of events) bytes += SPAN_BYTES / 4 + event.name.length + sizeOfAttributes(event.attributes)
  return bytes
}

function sizeOfAttributes(attributes: Attributes): number {
  let bytes = 0
  for (const name of Object.keys(attributes)) {
    const value = attributes[name]
    bytes += ATTRIBUTE_BYTES + (typeof value === 'string' ? value.length : 0)
  }
  return bytes
}
