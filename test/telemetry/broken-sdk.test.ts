import { context, diag, propagation, trace, type Span } from '@opentelemetry/api'
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Ambient } from '../../src/call/ambient.js'
import { Cancellation } from '../../src/call/cancellation.js'
import { Chain } from '../../src/call/chain.js'
import type { InboundReply } from '../../src/call/inbound.js'
import { attemptSpan } from '../../src/telemetry/attempt-span.js'
import { callSpan } from '../../src/telemetry/call-span.js'
import { peerOnSpan, serverSpan } from '../../src/telemetry/server-span.js'
import { Tracing } from '../../src/telemetry/tracing.js'
import { attempt, call, inbound, reply } from './nouns.js'
import { registerSdk, removeSdk } from './sdk.js'

afterEach(() => {
  removeSdk()
  diag.disable()
})

const broken = (): never => {
  throw new Error('broken SDK')
}
const processor = (changes: Partial<SpanProcessor>): SpanProcessor => ({
  onStart: () => {},
  onEnd: () => {},
  forceFlush: async () => {},
  shutdown: async () => {},
  ...changes,
})
const rootContext = context.active()
const manager = (changes: object): Parameters<typeof context.setGlobalContextManager>[0] => ({
  active: () => rootContext,
  with: (_, task, self, ...args) => task.call(self as never, ...args),
  bind: (_, target) => target,
  enable() { return this },
  disable() { return this },
  ...changes,
})
const withManager = (changes: object): void => {
  registerSdk()
  context.disable()
  context.setGlobalContextManager(manager(changes))
}
const brokenSpan = new Proxy({} as Span, { get: () => broken })
const tracerWith = (startSpan: () => Span): void =>
  void trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan: broken }) })

const faults: Readonly<Record<string, () => void>> = {
  'a provider that throws': () => trace.setGlobalTracerProvider({ getTracer: broken }),
  'a tracer that throws': () => tracerWith(broken),
  'a processor that throws when a span starts': () => registerSdk({ spanProcessors: [processor({ onStart: broken })] }),
  'a processor that throws when a span ends': () => registerSdk({ spanProcessors: [processor({ onEnd: broken })] }),
  'a sampler that throws': () => registerSdk({ sampler: { shouldSample: broken, toString: () => 'broken' } }),
  'spans that throw': () => tracerWith(() => brokenSpan),
  'a context manager that throws when asked': () => withManager({ active: broken }),
  'a context manager that throws before it runs anything': () => withManager({ with: broken }),
  'a context manager that throws after it has run it': () =>
    withManager({
      with: (_: unknown, task: () => void) => {
        task()
        broken()
      },
    }),
  'a context manager that runs nothing': () => withManager({ with: () => undefined }),
  'a context manager that runs everything twice': () =>
    withManager({ with: (_: unknown, task: () => void) => (task(), task()) }),
  'a propagator that throws': () => {
    registerSdk()
    propagation.disable()
    propagation.setGlobalPropagator({ inject: broken, extract: broken, fields: () => [] })
  },
  'diagnostics that throw too': () => {
    diag.setLogger({ error: broken, warn: broken, info: () => {}, debug: () => {}, verbose: () => {} })
    tracerWith(broken)
  },
}

describe.each(Object.entries(faults))('with %s', (_, introduce) => {
  it('a call goes out once and brings its answer, or its own error', async () => {
    introduce()
    const tracing = new Tracing('1.2.3')
    const answer = reply(500)
    const last = vi.fn(async () => answer)
    const attempts = attemptSpan(tracing, new Ambient())
    const send = callSpan(tracing)((of) => attempts(last)(attempt({ call: of })))
    expect(await send(call())).toBe(answer)
    expect(last).toHaveBeenCalledTimes(1)

    const failure = new Error('of the network')
    last.mockImplementation(() => {
      throw failure
    })
    await expect(callSpan(tracing)((of) => attempts(async () => last())(attempt({ call: of })))(call())).rejects.toBe(failure)
    expect(last).toHaveBeenCalledTimes(2)
    await answer.done
  })

  it('a request is answered once', async () => {
    introduce()
    const tracing = new Tracing('1.2.3')
    const answer: InboundReply = { status: 500, route: '/users/:id', aborted: true, answer: undefined }
    const last = vi.fn(async () => answer)
    const peer = { service: 'orders', principal: 'orders', issuer: 'https://issuer', claims: {} }
    const answered = await serverSpan(tracing)(peerOnSpan(tracing)(last))(inbound({ peer }))
    expect(answered).toBe(answer)
    expect(last).toHaveBeenCalledTimes(1)
  })
})

describe('a broken SDK', () => {
  it('shows in the diagnostics', async () => {
    const warn = vi.fn()
    diag.setLogger({ error: () => {}, warn, info: () => {}, debug: () => {}, verbose: () => {} })
    registerSdk({ spanProcessors: [processor({ onStart: broken })] })
    await callSpan(new Tracing('1.2.3'))(async () => reply())(call())
    expect(warn).toHaveBeenCalledWith('sidecarless: telemetry failed', expect.objectContaining({ message: 'broken SDK' }))
  })

  it('costs the trace of the inbound request nothing', async () => {
    registerSdk({ spanProcessors: [processor({ onStart: broken })] })
    const ambient = new Ambient()
    const request = { deadlineAt: Infinity, cancellation: new Cancellation(), traceHeaders: ['traceparent', 'as it came'], peer: undefined, chain: new Chain(false), priority: 'normal' as const }
    const last = vi.fn(async () => reply())
    await ambient.run(request, () => attemptSpan(new Tracing('1.2.3'), ambient)(last)(attempt()))
    expect(last).toHaveBeenCalledWith(expect.objectContaining({ headers: ['traceparent', 'as it came'] }))
  })
})
