import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { afterEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { Ambient } from '../../src/call/ambient.js'
import { Cancellation } from '../../src/call/cancellation.js'
import { Chain } from '../../src/call/chain.js'
import type { Attempt } from '../../src/call/call.js'
import type { HeaderList } from '../../src/call/headers.js'
import { attemptSpan } from '../../src/telemetry/attempt-span.js'
import { Tracing } from '../../src/telemetry/tracing.js'
import { attempt, call, endpoint, openReply, reply } from './nouns.js'
import { registerSdk, removeSdk } from './sdk.js'

afterEach(removeSdk)

const ambient = new Ambient()
const layer = attemptSpan(new Tracing('1.2.3'), ambient)
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

async function headersSentBy(of: Attempt): Promise<HeaderList> {
  let sent: HeaderList | undefined
  await layer(async ({ headers }) => ((sent = headers), reply()))(of)
  return sent!
}

describe('attemptSpan', () => {
  it('describes an attempt as the conventions ask', async () => {
    const sdk = registerSdk()
    const path = '/users/42?sig=s3cret&page=2'
    await layer(async () => reply(200))(attempt({ call: call({ path, template: '/users/{id}', resends: 2 }) }))
    const span = sdk.named('GET /users/{id}')
    expect(span.kind).toBe(SpanKind.CLIENT)
    expect(span.status).toEqual({ code: SpanStatusCode.UNSET })
    expect(span.attributes).toEqual({
      'http.request.method': 'GET',
      'http.request.resend_count': 2,
      'http.response.status_code': 200,
      'mesh.endpoint.id': 'users-1',
      'network.peer.address': '10.0.0.7',
      'network.peer.port': 8081,
      'server.address': 'users',
      'server.port': 80,
      'service.peer.name': 'users',
      'url.full': 'http://users/users/42?sig=REDACTED&page=2',
      'url.template': '/users/{id}',
    })
  })

  it('says why this instance, and leaves out what the algorithm does not know', async () => {
    const sdk = registerSdk()
    const pick = { candidates: 3, excluded: 1, inFlight: 2, costMs: 12.5, latencyMs: 4, stalled: true, successRatio: 0.9, ramp: 1, weight: 2, report: 1.1 }
    await layer(async () => reply())(attempt({ pick, call: call({ hedge: true }) }))
    await layer(async () => reply())(attempt({ pick: { candidates: 3, excluded: 0, inFlight: 0, stalled: false } }))
    const [full, plain] = sdk.spans().map(({ attributes }) =>
      Object.fromEntries(Object.entries(attributes).filter(([name]) => /^mesh\.(pick|hedge)/.test(name))),
    )
    expect(full).toEqual({
      'mesh.hedge': true,
      'mesh.pick.candidates': 3,
      'mesh.pick.excluded': 1,
      'mesh.pick.in_flight': 2,
      'mesh.pick.cost_ms': 12.5,
      'mesh.pick.latency_ms': 4,
      'mesh.pick.stalled': true,
      'mesh.pick.success_ratio': 0.9,
      'mesh.pick.ramp': 1,
      'mesh.pick.weight': 2,
      'mesh.pick.report': 1.1,
    })
    expect(plain).toEqual({ 'mesh.pick.candidates': 3, 'mesh.pick.excluded': 0, 'mesh.pick.in_flight': 0 })
  })

  it('is named by the method alone when there is no template', async () => {
    const sdk = registerSdk()
    await layer(async () => reply())(attempt())
    expect(sdk.spans().map(({ name }) => name)).toEqual(['GET'])
    expect(sdk.named('GET').attributes).not.toHaveProperty('http.request.resend_count')
  })

  it('makes no series of an invented method', async () => {
    const sdk = registerSdk()
    await layer(async () => reply())(attempt({ call: call({ method: 'BREW' }) }))
    const { attributes } = sdk.named('HTTP')
    expect(attributes).toMatchObject({ 'http.request.method': '_OTHER', 'http.request.method_original': 'BREW' })
  })

  it.each([
    [204, SpanStatusCode.UNSET, undefined],
    [302, SpanStatusCode.UNSET, undefined],
    [404, SpanStatusCode.ERROR, '404'],
    [503, SpanStatusCode.ERROR, '503'],
  ])('judges an answer %i as the conventions do for a client', async (status, code, errorType) => {
    const sdk = registerSdk()
    await layer(async () => reply(status))(attempt())
    expect(sdk.named('GET').status).toEqual({ code })
    expect(sdk.named('GET').attributes['error.type']).toBe(errorType)
    expect(sdk.named('GET').attributes['http.response.status_code']).toBe(status)
  })

  it('carries the code of an error, and no status', async () => {
    const sdk = registerSdk()
    const refused = new MeshError('MESH_ERR_CONNECT', 'no connection to 10.0.0.7:8081')
    await expect(layer(() => Promise.reject(refused))(attempt())).rejects.toBe(refused)
    const { attributes, status } = sdk.named('GET')
    expect(attributes['error.type']).toBe('MESH_ERR_CONNECT')
    expect(attributes).not.toHaveProperty('http.response.status_code')
    expect(status).toEqual({ code: SpanStatusCode.ERROR, message: 'no connection to 10.0.0.7:8081' })
  })

  it('does not call it an error when the caller gave up', async () => {
    const sdk = registerSdk()
    await expect(layer(() => Promise.reject(new MeshError('MESH_ERR_ABORTED', 'given up')))(attempt())).rejects.toThrow()
    expect(sdk.named('GET').status).toEqual({ code: SpanStatusCode.UNSET })
    expect(sdk.named('GET').attributes).not.toHaveProperty('error.type')
  })

  it('ends when the body has ended and not before', async () => {
    const sdk = registerSdk()
    const answer = openReply()
    await layer(async () => answer)(attempt())
    expect(sdk.spans()).toEqual([])
    answer.flow.fail(new MeshError('MESH_ERR_CONNECTION', 'cut short'))
    await answer.done
    expect(sdk.named('GET').attributes['error.type']).toBe('MESH_ERR_CONNECTION')
  })

  it('sends its own context, once, in place of the one that the caller wrote', async () => {
    const sdk = registerSdk()
    const headers = Object.freeze(['traceparent', PARENT, 'accept', '*/*', 'tracestate', 'own=1'])
    const sent = await headersSentBy(attempt({ headers }))
    const { traceId, spanId } = sdk.named('GET').spanContext()
    expect(sent).toEqual(['accept', '*/*', 'traceparent', `00-${traceId}-${spanId}-01`])
  })

  it('tells of an instance by the name that the registry has for it, IPv6 and host names included', async () => {
    const sdk = registerSdk()
    await layer(async () => reply())(attempt({ endpoint: endpoint({ id: 'a', host: '::1', port: 1 }) }))
    await layer(async () => reply())(attempt({ endpoint: endpoint({ id: 'b', host: 'node-b', port: 2 }) }))
    const names = ['mesh.endpoint.id', 'network.peer.address', 'network.peer.port']
    const told = sdk.spans().map(({ attributes }) => names.map((name) => attributes[name]))
    expect(told).toEqual([
      ['a', '::1', 1],
      ['b', 'node-b', 2],
    ])
  })

  describe('with no SDK', () => {
    const request = {
      deadlineAt: Infinity,
      cancellation: new Cancellation(),
      traceHeaders: ['traceparent', PARENT, 'tracestate', 'a=1', 'baggage', 'k=v'],
      priority: 'normal' as const,
      peer: undefined,
      chain: new Chain(false),
    }

    it('passes the trace of the inbound request on as it came', async () => {
      const sent = await ambient.run(request, () => headersSentBy(attempt({ headers: ['accept', '*/*'] })))
      expect(sent).toEqual(['accept', '*/*', ...request.traceHeaders])
    })

    it("lets the caller's own fields win", async () => {
      const own = ['traceparent', PARENT.replace('b7ad', 'aaaa'), 'baggage', 'own=1']
      expect(await ambient.run(request, () => headersSentBy(attempt({ headers: own })))).toBe(own)
    })

    it('adds nothing outside of an inbound request', async () => {
      const of = attempt({ headers: ['accept', '*/*'] })
      expect(await headersSentBy(of)).toBe(of.headers)
    })
  })
})
