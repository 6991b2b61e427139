import { ProxyTracerProvider, trace, type Tracer, type TracerProvider } from '@opentelemetry/api'
import { guarded } from './guarded.js'

/** The provider that stands in while no SDK is registered: one object, shared by all proxies of a copy of the API. */
const NOBODY: TracerProvider = new ProxyTracerProvider().getDelegate()

/**
 * The way to whoever records spans. An application may register its SDK after it has made its mesh, and may take it
 * away again, so each use asks anew; asking costs two comparisons and allocates nothing.
 */
export class Tracing {
  readonly #version: string
  #provider: TracerProvider = NOBODY
  #tracer: Tracer | undefined

  /** `version` of this package, which the spans name as their scope's. */
  constructor(version: string) {
    this.#version = version
  }

  /** Undefined while nobody records: then no span is to be made at all. */
  get tracer(): Tracer | undefined {
    const global: TracerProvider & Partial<Pick<ProxyTracerProvider, 'getDelegate'>> = trace.getTracerProvider()
    const provider = global.getDelegate?.() ?? global
    if (provider !== this.#provider) this.#turnTo(provider)
    return this.#tracer
  }

  /** Whether the span of what is done at this moment is recorded; those of its attempts then are too, as a sampler decides for a whole trace. */
  get records(): boolean {
    if (this.tracer === undefined) return false
    return guarded(() => trace.getActiveSpan()?.isRecording() ?? true, false)
  }

  /** Of the trace that what is done at this moment belongs to; undefined outside of any. */
  get traceId(): string | undefined {
    return this.tracer === undefined ? undefined : guarded(() => trace.getActiveSpan()?.spanContext().traceId, undefined)
  }

  #turnTo(provider: TracerProvider): void {
    this.#provider = provider
    this.#tracer = provider === NOBODY ? undefined : guarded(() => provider.getTracer('sidecarless', this.#version), undefined)
  }
}
