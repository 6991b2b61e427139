import { once } from 'node:events'
import { constants, createSecureServer, type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { TransportOptions } from '../../src/index.js'
import { makeTestCa } from '../support/kubernetes-api/test-ca.js'
import { callerOf, KILOBYTE, Ledger, load } from '../support/network-scene.js'

const { ca, key, cert } = makeTestCa()

/** HTTP/2 alone, many requests on a connection. */
const createPool: TransportOptions['createPool'] = (origin, options) =>
  new Pool(origin.replace('http:', 'https:'), {
    ...options,
    allowH2: true,
    pipelining: 100,
    // The certificate is for an address, and what is asked for is a service.
    connect: { ca, checkServerIdentity: () => undefined },
  })

const TRANSPORT = { transport: { createPool, connectTimeoutMs: 5_000 } }

/** An instance that decides over each request what becomes of it: it is answered, unless the decision is made there. */
async function http2Instance(ledger: Ledger, decide: (session: ServerHttp2Session, stream: ServerHttp2Stream, request: number) => 'answer' | 'done'): Promise<number> {
  const sessions = new Set<ServerHttp2Session>()
  const server: Http2SecureServer = createSecureServer({ key, cert })
  let requests = 0
  server.on('session', (session) => {
    sessions.add(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {})
    if (decide(stream.session as ServerHttp2Session, stream, requests++) === 'done') return
    ledger.add(headers['x-request-id'] as string | undefined)
    stream.resume().on('end', () => {
      if (stream.destroyed) return
      stream.respond({ ':status': 200 })
      stream.end(KILOBYTE)
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(async () => {
    for (const session of sessions) session.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

const healthy = (ledger: Ledger): Promise<number> => http2Instance(ledger, () => 'answer')

describe('over HTTP/2', () => {
  it.each([
    ['in good order', constants.NGHTTP2_NO_ERROR],
    ['in anger', constants.NGHTTP2_ENHANCE_YOUR_CALM],
  ])('N18 a storm of GOAWAYs, %s, loses no GET and does no POST twice', async (_, code) => {
    const ledger = new Ledger()
    const stormy = await http2Instance(ledger, (session, stream, request) => {
      if (request % 5 !== 4) return 'answer'
      // Everything up to this one is still looked at.
      session.goaway(code, stream.id)
      return 'answer'
    })
    const mesh = await callerOf([stormy, ...(await Promise.all([1, 2, 3, 4].map(() => healthy(ledger))))], TRANSPORT)
    const figures = await load(mesh, { calls: 400, atOnce: 20, method: 'GET and POST' })
    expect(figures.lost.filter(({ method }) => method === 'GET')).toEqual([])
    expect(ledger.duplicates.filter((id) => id.startsWith('POST'))).toEqual([])
    expect(figures.maxAttempts).toBeLessThanOrEqual(2)
  })

  it('N19 REFUSED_STREAM was not looked at: a POST goes elsewhere too, once', async () => {
    const ledger = new Ledger()
    const refusing = await http2Instance(ledger, (_session, stream) => {
      stream.close(constants.NGHTTP2_REFUSED_STREAM)
      return 'done'
    })
    const mesh = await callerOf([refusing, ...(await Promise.all([1, 2, 3, 4].map(() => healthy(ledger))))], TRANSPORT)
    const figures = await load(mesh, { calls: 400, atOnce: 20, method: 'GET and POST' })
    expect(figures.lost).toEqual([])
    expect(figures.maxAttempts).toBe(2)
    expect(figures.extra).toBeLessThan(1.1)
    expect(ledger.duplicates).toEqual([])
  })
})
