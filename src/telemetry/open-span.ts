import {
  context as contextApi,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api'
import { meshErrorIn } from '../base/errors.js'
import type { Reply } from '../call/reply.js'
import { ERROR_TYPE } from './attributes.js'
import { guarded } from './guarded.js'

/** A span under way. Whatever the SDK behind it throws stays here: telemetry harms no call. */
export class OpenSpan {
  /** The context in which this span is the active one. */
  readonly context: Context
  readonly #span: Span

  constructor(span: Span, context: Context) {
    this.#span = span
    this.context = context
  }

  /** Undefined when the SDK cannot start one. `parent` is the active context if absent. */
  static start(tracer: Tracer, name: string, options: SpanOptions, parent?: Context): OpenSpan | undefined {
    return guarded(() => {
      const from = parent ?? contextApi.active()
      const span = tracer.startSpan(name, options, from)
      return new OpenSpan(span, trace.setSpan(from, span))
    }, undefined)
  }

  describe(attributes: Attributes): void {
    guarded(() => void this.#span.setAttributes(attributes), undefined)
  }

  rename(name: string): void {
    guarded(() => void this.#span.updateName(name), undefined)
  }

  /** Marks the span as failed. `type` is of low cardinality: a code, a status or the name of a class. */
  fail(type: string, message?: string): void {
    guarded(() => {
      this.#span.setAttribute(ERROR_TYPE, type)
      this.#span.setStatus(message === undefined ? { code: SpanStatusCode.ERROR } : { code: SpanStatusCode.ERROR, message })
    }, undefined)
  }

  /** Marks the span as failed with `error`. What was given up on purpose is no error, says the convention. */
  failWith(error: unknown): void {
    const meshError = meshErrorIn(error)
    if (meshError?.code === 'MESH_ERR_ABORTED') return
    // Only our own messages are known to hold nothing secret.
    if (meshError !== undefined) this.fail(meshError.code, meshError.message)
    else this.fail(error instanceof Error ? error.name : '_OTHER')
  }

  end(): void {
    guarded(() => this.#span.end(), undefined)
  }

  /** Keeps the span open until `task` throws, or until the body of its reply has ended. */
  async cover(task: () => Promise<Reply>, answered: (reply: Reply) => void): Promise<Reply> {
    try {
      const reply = await task()
      answered(reply)
      void reply.done.then(({ error }) => {
        if (error !== undefined) this.failWith(error)
        this.end()
      })
      return reply
    } catch (error) {
      this.failWith(error)
      this.end()
      throw error
    }
  }
}
