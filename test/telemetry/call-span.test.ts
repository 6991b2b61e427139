import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base'
import { afterEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { Ambient } from '../../src/call/ambient.js'
import type { Attempt, Call } from '../../src/call/call.js'
import type { Handler } from '../../src/call/layer.js'
import type { Reply } from '../../src/call/reply.js'
import { fallbackReply } from '../../src/resilience/fallback-reply.js'
import { attemptSpan } from '../../src/telemetry/attempt-span.js'
import { callSpan } from '../../src/telemetry/call-span.js'
import { Tracing } from '../../src/telemetry/tracing.js'
import { attempt, call, openReply, reply } from './nouns.js'
import { registerSdk, removeSdk } from './sdk.js'

afterEach(removeSdk)

const layer = callSpan(new Tracing('1.2.3'))
const tries = attemptSpan(new Tracing('1.2.3'), new Ambient())

/** Sends a call once for each of these results, as retry and balance would. */
function through(results: readonly (() => Promise<Reply>)[]): Handler<Call> {
  return async (of) => {
    for (const [resends, result] of results.entries()) {
      const sent = tries(result)(attempt({ call: { ...of, resends } }))
      if (resends === results.length - 1) return sent
      await sent.then((failed) => failed.cancel(), () => {})
    }
    throw new Error('no result was given')
  }
}

describe('callSpan', () => {
  it('holds the tries of a call as siblings, within the span of the caller', async () => {
    const sdk = registerSdk()
    const refused = new MeshError('MESH_ERR_CONNECT', 'no connection', { processed: 'no' })
    const results = [() => Promise.reject(refused), async () => reply(503, 2), async () => reply(200, 3)]
    await sdk.provider.getTracer('app').startActiveSpan('work', async (work) => {
      await layer(through(results))(call({ template: '/users/{id}' }))
      work.end()
    })
    const whole = sdk.named('mesh.call users')
    expect(whole.kind).toBe(SpanKind.INTERNAL)
    expect(whole.parentSpanContext?.spanId).toBe(sdk.named('work').spanContext().spanId)
    const clients = sdk.spans().filter(({ kind }) => kind === SpanKind.CLIENT)
    expect(clients.map(({ name }) => name)).toEqual(Array(3).fill('GET /users/{id}'))
    expect(clients.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual(Array(3).fill(whole.spanContext().spanId))
    expect(clients.map(({ attributes }) => attributes['http.request.resend_count'])).toEqual([undefined, 1, 2])
    expect(clients.map(({ attributes }) => attributes['error.type'])).toEqual(['MESH_ERR_CONNECT', '503', undefined])
    expect(new Set(sdk.spans().map((span) => span.spanContext().traceId)).size).toBe(1)
    expect(whole.attributes).toEqual({ 'service.peer.name': 'users', 'mesh.attempts': 3, 'http.response.status_code': 200 })
    expect(whole.status).toEqual({ code: SpanStatusCode.UNSET })
    expect(whole.instrumentationScope).toMatchObject({ name: 'sidecarless', version: '1.2.3' })
  })

  it('ends when the body has ended and not before', async () => {
    const sdk = registerSdk()
    const answer = openReply()
    expect(await layer(async () => answer)(call())).toBe(answer)
    expect(sdk.spans()).toEqual([])
    answer.flow.end({})
    await answer.done
    expect(sdk.spans()).toHaveLength(1)
  })

  it('carries the code of an error, which passes unchanged', async () => {
    const sdk = registerSdk()
    const late = new MeshError('MESH_ERR_DEADLINE', 'users: no time is left')
    await expect(layer(() => Promise.reject(late))(call())).rejects.toBe(late)
    const { attributes, status } = sdk.named('mesh.call users')
    expect(attributes['error.type']).toBe('MESH_ERR_DEADLINE')
    expect(status).toEqual({ code: SpanStatusCode.ERROR, message: 'users: no time is left' })
  })

  it('names a foreign error by its class and repeats nothing of its message', async () => {
    const sdk = registerSdk()
    await expect(layer(() => Promise.reject(new RangeError('secret')))(call())).rejects.toThrow('secret')
    expect(sdk.named('mesh.call users').attributes['error.type']).toBe('RangeError')
    expect(JSON.stringify(sdk.named('mesh.call users').status)).not.toContain('secret')
  })

  it.each([
    [404, SpanStatusCode.UNSET, undefined],
    [429, SpanStatusCode.ERROR, '429'],
    [500, SpanStatusCode.ERROR, '500'],
  ])('judges an answer %i as the mesh does', async (status, code, errorType) => {
    const sdk = registerSdk()
    await layer(async () => reply(status))(call())
    expect(sdk.named('mesh.call users').status).toEqual({ code })
    expect(sdk.named('mesh.call users').attributes['error.type']).toBe(errorType)
  })

  it('is failed by a body that was cut short, and not by a caller that gave it up', async () => {
    const sdk = registerSdk()
    const [cut, dropped] = [openReply(), openReply()]
    await layer(async () => cut)(call({ service: 'cut' }))
    await layer(async () => dropped)(call({ service: 'dropped' }))
    cut.flow.fail(new MeshError('MESH_ERR_CONNECTION', 'cut short'))
    dropped.flow.fail(new MeshError('MESH_ERR_ABORTED', 'given up'))
    await Promise.all([cut.done, dropped.done])
    expect(sdk.named('mesh.call cut').attributes['error.type']).toBe('MESH_ERR_CONNECTION')
    expect(sdk.named('mesh.call cut').status.code).toBe(SpanStatusCode.ERROR)
    expect(sdk.named('mesh.call dropped').status).toEqual({ code: SpanStatusCode.UNSET })
  })

  it('leaves the context of the caller as it was', async () => {
    const sdk = registerSdk()
    await sdk.provider.getTracer('app').startActiveSpan('work', async (work) => {
      const sending = layer(async () => reply())(call())
      expect(trace.getActiveSpan()).toBe(work)
      await sending
      expect(trace.getActiveSpan()).toBe(work)
      work.end()
    })
    expect(context.active()).toBe(ROOT_CONTEXT)
  })

  it('tells that the answer is the one of a fallback', async () => {
    const sdk = registerSdk()
    await layer(async () => fallbackReply({ json: {} }, 'fallback', 0))(call())
    await layer(async () => reply())(call())
    expect(sdk.spans().map(({ attributes }) => attributes['mesh.fallback'])).toEqual([true, undefined])
  })

  it('keeps the decision not to sample for everything below it', async () => {
    const sdk = registerSdk({ sampler: new AlwaysOffSampler() })
    let seen: Attempt | undefined
    const last: Handler<Attempt> = async (sent) => ((seen = sent), reply())
    await layer((of) => tries(last)(attempt({ call: of })))(call())
    expect(sdk.spans()).toEqual([])
    expect(seen?.headers[0]).toBe('traceparent')
    expect(seen?.headers[1]).toMatch(/^00-[\da-f]{32}-[\da-f]{16}-00$/)
  })
})
