import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, TraceFlags, type Context } from '@opentelemetry/api'
import { getRPCMetadata, RPCType, setRPCMetadata, suppressTracing } from '@opentelemetry/core'
import { afterEach, describe, expect, it } from 'vitest'
import type { Inbound, InboundReply, Peer } from '../../src/call/inbound.js'
import { stack, type Handler, type Layer } from '../../src/call/layer.js'
import { Refusal } from '../../src/call/refusal.js'
import { faultOnSpan, peerOnSpan, serverSpan } from '../../src/telemetry/server-span.js'
import { Tracing } from '../../src/telemetry/tracing.js'
import { inbound } from './nouns.js'
import { registerSdk, removeSdk, type TestSdk } from './sdk.js'

afterEach(removeSdk)

const tracing = new Tracing('1.2.3')
const layer = serverSpan(tracing)
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const orders: Peer = { service: 'orders', principal: 'orders', issuer: 'https://issuer', claims: {} }
const forbidden = new Refusal('MESH_ERR_FORBIDDEN', 'rule 3 allows GET only', { peer: 'orders' })

function answers(changes: Partial<InboundReply> = {}): Handler<Inbound, InboundReply> {
  return async () => ({ status: 200, route: undefined, aborted: false, answer: undefined, ...changes })
}

describe('serverSpan', () => {
  it('describes a request as the conventions ask, below the span that sent it', async () => {
    const sdk = registerSdk()
    const headers = { traceparent, tracestate: 'a=1', 'user-agent': 'curl/8' }
    await layer(answers({ route: '/users/:id' }))(inbound({ headers, target: '/users/42?sig=s3cret&page=2' }))
    const span = sdk.named('GET /users/:id')
    expect(span.kind).toBe(SpanKind.SERVER)
    expect(span.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c')
    expect(span.spanContext().traceState?.serialize()).toBe('a=1')
    expect(span.parentSpanContext).toMatchObject({ spanId: 'b7ad6b7169203331', isRemote: true })
    expect(span.attributes).toEqual({
      'client.address': '10.0.0.9',
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.route': '/users/:id',
      'network.peer.address': '10.0.0.9',
      'url.path': '/users/42',
      'url.query': 'sig=REDACTED&page=2',
      'url.scheme': 'http',
      'user_agent.original': 'curl/8',
    })
  })

  it('is named by the method alone when the route is not known', async () => {
    const sdk = registerSdk()
    await layer(answers({ status: 404 }))(inbound({ remoteAddress: undefined }))
    expect(sdk.named('GET').attributes).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 404,
      'url.path': '/users/42',
      'url.scheme': 'http',
    })
    expect(sdk.named('GET').parentSpanContext).toBeUndefined()
  })

  it.each([
    ['http://ann:s3cret@users:80/x?y=1', '/x', 'y=1'],
    ['*', '*', undefined],
    ['/a?', '/a', ''],
  ])('reads the target %s', async (target, path, query) => {
    const sdk = registerSdk()
    await layer(answers())(inbound({ target }))
    expect(sdk.named('GET').attributes).toMatchObject({ 'url.path': path })
    expect(sdk.named('GET').attributes['url.query']).toBe(query)
    expect(JSON.stringify(sdk.named('GET').attributes)).not.toContain('s3cret')
  })

  it.each([
    [302, SpanStatusCode.UNSET, undefined],
    [404, SpanStatusCode.UNSET, undefined],
    [500, SpanStatusCode.ERROR, '500'],
  ])('judges an answer %i as the conventions do for a server', async (status, code, errorType) => {
    const sdk = registerSdk()
    await layer(answers({ status }))(inbound())
    expect(sdk.named('GET').status).toEqual({ code })
    expect(sdk.named('GET').attributes['error.type']).toBe(errorType)
  })

  it.each([
    [forbidden, 403, SpanStatusCode.UNSET],
    [new Refusal('MESH_ERR_UNAUTHENTICATED', 'no token'), 401, SpanStatusCode.UNSET],
    [new Refusal('MESH_ERR_KEYS', 'no keys'), 503, SpanStatusCode.ERROR],
  ])('carries code, status and reason of a refusal: %s', async (refusal, status, code) => {
    const sdk = registerSdk()
    await expect(layer(() => Promise.reject(refusal))(inbound())).rejects.toBe(refusal)
    expect(sdk.named('GET').attributes).toMatchObject({
      'error.type': refusal.code,
      'http.response.status_code': status,
      'mesh.refusal.reason': refusal.message,
    })
    expect(sdk.named('GET').status).toEqual({ code })
  })

  it('is failed by an application that throws, and by a caller that left before the end', async () => {
    const sdk = registerSdk()
    await expect(layer(() => Promise.reject(new TypeError('boom')))(inbound({ method: 'PUT' }))).rejects.toThrow('boom')
    await layer(answers({ aborted: true }))(inbound({ method: 'GET' }))
    expect(sdk.named('PUT').attributes['error.type']).toBe('TypeError')
    expect(sdk.named('PUT').status.code).toBe(SpanStatusCode.ERROR)
    expect(sdk.named('GET').attributes).toMatchObject({ 'error.type': 'MESH_ERR_ABORTED', 'http.response.status_code': 200 })
    expect(sdk.named('GET').status.code).toBe(SpanStatusCode.ERROR)
  })

  it('is active for everything below', async () => {
    const sdk = registerSdk()
    await layer(async (request) => {
      sdk.provider.getTracer('app').startSpan('work').end()
      return answers()(request)
    })(inbound())
    expect(sdk.named('work').parentSpanContext?.spanId).toBe(sdk.named('GET').spanContext().spanId)
  })

  it('does not trace what the application has asked not to trace', async () => {
    const sdk = registerSdk()
    await context.with(suppressTracing(context.active()), () => layer(answers())(inbound({ headers: { traceparent } })))
    expect(sdk.spans()).toEqual([])
  })

  it('is no child of the span within which the server was started', async () => {
    const sdk = registerSdk()
    await sdk.provider.getTracer('app').startActiveSpan('startup', async (span) => {
      span.end()
      await layer(answers())(inbound())
    })
    expect(sdk.named('GET').parentSpanContext).toBeUndefined()
  })
})

describe('faultOnSpan', () => {
  it('says on the span of a request what was made to go wrong', async () => {
    const sdk = registerSdk()
    await serverSpan(tracing)(async (request) => (faultOnSpan(tracing, 'delay'), answers()(request)))(inbound({ method: 'GET' }))
    expect(sdk.named('GET').attributes['mesh.fault']).toBe('delay')
  })
})

describe('peerOnSpan', () => {
  const identified = (refused?: Refusal): Handler<Inbound, InboundReply> => {
    const verify: Layer<Inbound, InboundReply> = (next) => (request) => next({ ...request, peer: orders })
    const last = refused === undefined ? answers() : () => Promise.reject(refused)
    return stack(serverSpan(tracing), verify, peerOnSpan(tracing))(last)
  }

  it('names the verified caller, of an allowed request and of a forbidden one', async () => {
    const sdk = registerSdk()
    await identified()(inbound({ method: 'GET' }))
    await expect(identified(forbidden)(inbound({ method: 'PUT' }))).rejects.toBe(forbidden)
    expect(sdk.named('GET').attributes['mesh.peer.service']).toBe('orders')
    expect(sdk.named('PUT').attributes['mesh.peer.service']).toBe('orders')
  })

  it('names nobody when nobody was verified', async () => {
    const sdk = registerSdk()
    await stack(serverSpan(tracing), peerOnSpan(tracing))(answers())(inbound())
    expect(sdk.named('GET').attributes).not.toHaveProperty('mesh.peer.service')
  })

  describe('where an instrumentation of the application has a span for the request', () => {
    const request = stack(serverSpan(tracing), (next) => (of) => next({ ...of, peer: orders }), peerOnSpan(tracing))

    /** As @fastify/otel does: an active SERVER span, or that of a hook below it. */
    const active = (sdk: TestSdk, kind: SpanKind): Context =>
      trace.setSpan(ROOT_CONTEXT, sdk.provider.getTracer('app').startSpan('theirs', { kind }))
    /** As instrumentation-http and one for the framework do together. */
    const behindMiddleware = (sdk: TestSdk): Context => {
      const span = sdk.provider.getTracer('http').startSpan('theirs', { kind: SpanKind.SERVER })
      const middleware = sdk.provider.getTracer('express').startSpan('middleware')
      return setRPCMetadata(trace.setSpan(ROOT_CONTEXT, middleware), { type: RPCType.HTTP, span })
    }

    it.each([
      ['a server span', (sdk: TestSdk) => active(sdk, SpanKind.SERVER)],
      ["a hook's span", (sdk: TestSdk) => active(sdk, SpanKind.INTERNAL)],
      ['a server span above that of middleware', behindMiddleware],
    ])('adds to %s and starts none', async (_, make) => {
      const sdk = registerSdk()
      const theirs = make(sdk)
      const span = getRPCMetadata(theirs)?.span ?? trace.getSpan(theirs)!
      await expect(context.with(theirs, () => request(() => Promise.reject(forbidden))(inbound()))).rejects.toBe(forbidden)
      expect(sdk.spans()).toEqual([])
      span.end()
      expect(sdk.named('theirs').attributes).toEqual({
        'mesh.peer.service': 'orders',
        'error.type': 'MESH_ERR_FORBIDDEN',
        'mesh.refusal.reason': 'rule 3 allows GET only',
      })
    })

    it('starts none where theirs was not sampled', async () => {
      const sdk = registerSdk()
      const ids = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' }
      const unsampled = trace.wrapSpanContext({ ...ids, traceFlags: TraceFlags.NONE })
      const theirs = setRPCMetadata(trace.setSpan(ROOT_CONTEXT, unsampled), { type: RPCType.HTTP, span: unsampled })
      await context.with(theirs, () => request(answers())(inbound()))
      expect(sdk.spans()).toEqual([])
    })
  })
})
