import { createRequire } from 'node:module'
import { context, trace, type Span, type Tracer, type TracerProvider } from '@opentelemetry/api'
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base'
import { afterEach, describe, expect, it } from 'vitest'
import { Tracing } from '../../src/telemetry/tracing.js'
import { registerSdk, removeSdk } from './sdk.js'

afterEach(removeSdk)

describe('Tracing', () => {
  it('has no tracer while no SDK is registered', () => {
    expect(new Tracing('1.2.3').tracer).toBeUndefined()
  })

  it('finds an SDK that is registered after the first use, and loses one that is taken away', () => {
    const tracing = new Tracing('1.2.3')
    expect(tracing.tracer).toBeUndefined()
    const first = registerSdk()
    tracing.tracer!.startSpan('one').end()
    expect(first.named('one').instrumentationScope).toMatchObject({ name: 'sidecarless', version: '1.2.3' })
    removeSdk()
    expect(tracing.tracer).toBeUndefined()
    const second = registerSdk()
    tracing.tracer!.startSpan('two').end()
    expect(second.named('two').name).toBe('two')
    expect(first.spans()).toHaveLength(1)
  })

  it('asks a provider for its tracer once', () => {
    let asked = 0
    const provider: TracerProvider = { getTracer: () => (asked++, {} as Tracer) }
    trace.setGlobalTracerProvider(provider)
    const tracing = new Tracing('1.2.3')
    expect(tracing.tracer).toBe(tracing.tracer)
    expect(asked).toBe(1)
  })

  it('has no tracer when only other parts of the API are in use', () => {
    context.setGlobalContextManager({
      active: () => { throw new Error('not asked') },
      with: () => { throw new Error('not asked') },
      bind: (_, target) => target,
      enable() { return this },
      disable() { return this },
    })
    expect(new Tracing('1.2.3').tracer).toBeUndefined()
  })

  it('says whether what is done at this moment is recorded, and in which trace', () => {
    const tracing = new Tracing('1.2.3')
    expect([tracing.records, tracing.traceId]).toEqual([false, undefined])
    registerSdk()
    const seen = (span: Span) => context.with(trace.setSpan(context.active(), span), () => [tracing.records, tracing.traceId])
    const span = tracing.tracer!.startSpan('one')
    expect(seen(span)).toEqual([true, span.spanContext().traceId])
    const unsampled = trace.wrapSpanContext({ ...span.spanContext(), traceFlags: 0 })
    expect(seen(unsampled)).toEqual([false, span.spanContext().traceId])
  })

  it('has no tracer when the provider throws', () => {
    trace.setGlobalTracerProvider({ getTracer: () => { throw new Error('broken SDK') } })
    expect(new Tracing('1.2.3').tracer).toBeUndefined()
  })

  describe('with a second copy of the API in the process', () => {
    const secondCopy = (): { readonly trace: typeof trace } => {
      const require = createRequire(import.meta.url)
      const kept = Object.entries(require.cache).filter(([path]) => path.includes('/@opentelemetry/api/'))
      for (const [path] of kept) delete require.cache[path]
      const copy = require('@opentelemetry/api') as { readonly trace: typeof trace }
      for (const [path, module] of kept) require.cache[path] = module
      return copy
    }

    it('finds the SDK that was registered through the other copy', () => {
      const other = secondCopy()
      expect(other.trace).not.toBe(trace)
      const tracing = new Tracing('1.2.3')
      other.trace.setGlobalTracerProvider(new BasicTracerProvider())
      expect(tracing.tracer!.startSpan('one').isRecording()).toBe(true)
      other.trace.disable()
      expect(tracing.tracer).toBeUndefined()
    })

    it('has no tracer while neither copy has an SDK', () => {
      secondCopy().trace.getTracer('somebody')
      expect(new Tracing('1.2.3').tracer).toBeUndefined()
    })
  })
})
