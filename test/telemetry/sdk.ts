import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
  type TracerConfig,
} from '@opentelemetry/sdk-trace-base'

export interface TestSdk {
  readonly provider: BasicTracerProvider
  /** Spans that have ended, in the order in which they did. */
  spans(): readonly ReadableSpan[]
  named(name: string): ReadableSpan
}

/** Registers the real SDK as an application does; {@link removeSdk} takes it away. */
export function registerSdk(config: TracerConfig = {}): TestSdk {
  const exporter = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)], ...config })
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(
    new CompositePropagator({ propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator()] }),
  )
  return {
    provider,
    spans: () => exporter.getFinishedSpans(),
    named(name) {
      const found = exporter.getFinishedSpans().filter((span) => span.name === name)
      if (found.length !== 1) throw new Error(`expected one span ${name}, got ${found.length}`)
      return found[0]!
    },
  }
}

export function removeSdk(): void {
  trace.disable()
  context.disable()
  propagation.disable()
}
