import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { etcd } from '../../src/discovery/etcd.js'
import { follow, type Following } from './support/follow.js'

type Answer = (response: ServerResponse) => unknown

const HEADER = { cluster_id: '14841639068965178418', member_id: '10276657743932975437', revision: '7', raft_term: '2' }
const HOST = btoa('{"host":"h","port":1}')
const list: Answer = (response) => response.end(JSON.stringify({ header: HEADER, kvs: [{ key: btoa('/sidecarless/services/users/u1'), value: HOST }] }))
const say = (...messages: unknown[]): Answer => (response) => {
  for (const message of messages) response.write(`${JSON.stringify(message)}\n`)
}
const created = { result: { header: HEADER, created: true } }
const added = (id: string, revision: string): object => ({
  result: { header: { ...HEADER, revision }, events: [{ kv: { key: btoa(`/sidecarless/services/users/${id}`), value: HOST, mod_revision: revision } }] },
})

/** A gateway that says what no healthy etcd does. */
let server: Server
let url = ''
let answers: Record<string, Answer[]> = {}
const asked: { readonly path: string; readonly body: { create_request?: { start_revision: string } } }[] = []
let users: Following
const paths = (): string[] => asked.map(({ path }) => path)

beforeEach(async () => {
  asked.length = 0
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      asked.push({ path: request.url!, body: JSON.parse(body) as object })
      const answer = answers[request.url!]?.shift()
      if (answer !== undefined) answer(response)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  users = follow(etcd({ endpoints: [url] }, systemClock, () => 0), 'users')
})
afterEach(async () => {
  await users.stop()
  server.closeAllConnections()
  server.close()
})

describe('a list of etcd that is malformed', () => {
  it.each([
    ['R04 half JSON', '{"header":{"revision":"7"},"kvs":[{', 'MESH_ERR_REGISTRY', 'What URL answers is not JSON: is it an etcd?'],
    ['R04 null', 'null', 'MESH_ERR_REGISTRY', 'is not an object'],
    ['a list', '[]', 'MESH_ERR_REGISTRY', 'is not an object'],
    ['no header', '{}', 'MESH_ERR_SNAPSHOT', "etcd's answer about 'users' has no usable revision: undefined"],
    ['a revision that is no exact number', '{"header":{"revision":"9223372036854775807"}}', 'MESH_ERR_SNAPSHOT', 'has no usable revision: 9223372036854775807'],
    ['a revision that is none', '{"header":{"revision":"-1"}}', 'MESH_ERR_SNAPSHOT', 'has no usable revision: -1'],
    ['R04 keys of the wrong type', '{"header":{"revision":"7"},"kvs":{}}', 'MESH_ERR_SNAPSHOT', 'has kvs that are no list of objects'],
    ['R04 keys that are none', '{"header":{"revision":"7"},"kvs":[null]}', 'MESH_ERR_SNAPSHOT', 'has kvs that are no list of objects'],
  ])('fails as a whole: %s', async (_, body, code, message) => {
    answers = { '/v3/kv/range': [(response) => response.end(body)] }
    await expect(users.next()).rejects.toMatchObject({ code, message: expect.stringContaining(message.replace('URL', url)) })
  })

  it.each([
    ['etcd itself', 503, '{"error":"etcdserver: no leader","message":"etcdserver: no leader","code":14}', 'etcdserver: no leader'],
    ['an old etcd without this path', 404, 'Not Found\n', 'Not Found'],
    ['a proxy', 502, `<html>${'x'.repeat(1_000)}`, `<html>${'x'.repeat(194)}`],
  ])('names the reason of a refusal: %s', async (_, status, body, reason) => {
    answers = { '/v3/kv/range': [(response) => response.writeHead(status).end(body)] }
    await expect(users.next()).rejects.toMatchObject({ code: 'MESH_ERR_REGISTRY', message: `etcd at ${url} refuses with status ${status}: ${reason}` })
  })
})

describe('a watch of etcd', () => {
  it('begins right after the revision of the list, and is taken up right after the last change', async () => {
    // The header is ahead of the changes: some of them are still to come.
    const early = { result: { ...(added('u2', '9') as { result: object }).result, header: { ...HEADER, revision: '20' } } }
    const closing = { error: { grpc_code: 14, http_code: 503, message: 'transport is closing' } }
    const behind: Answer = (response) => response.end(JSON.stringify({ header: { ...HEADER, revision: '9' } }))
    answers = { '/v3/kv/range': [list, behind], '/v3/watch': [say(created, early, closing), say(created)] }
    for (const revision of [7, 7, 9]) expect(await users.nextSnapshot()).toMatchObject({ revision })
    expect(await users.next()).toMatchObject({ code: 'MESH_ERR_REGISTRY', message: `etcd at ${url} refuses with status 503: transport is closing` })
    // A member that is behind may not know revision 9 yet: the list, on which all agree, is read instead.
    expect(await users.nextSnapshot()).toMatchObject({ revision: 9, endpoints: [] })
    expect(asked.map(({ body }) => body.create_request?.start_revision)).toEqual([undefined, '8', '10', undefined])
  })

  it.each([
    ['half JSON', (response: ServerResponse) => response.write('{"result":{"hea\n'), /is not JSON/],
    ['a cut', (response: ServerResponse) => response.write('{"result"', () => response.destroy()), /does not answer/],
    ['an error that says nothing', say({ error: 'x' }), /refuses with status 500: x/],
  ])('that broke off before it told anything is no watch, and the list is read again: %s', async (_, breakOff, reason) => {
    answers = { '/v3/kv/range': [list, list], '/v3/watch': [breakOff] }
    await users.nextSnapshot()
    expect(await users.next()).toMatchObject({ message: expect.stringMatching(reason) })
    expect(await users.nextSnapshot()).toMatchObject({ revision: 7, endpoints: [{ id: 'u1' }] })
    expect(paths()).toEqual(['/v3/kv/range', '/v3/watch', '/v3/kv/range'])
  })

  it.each([
    ['events of the wrong type', { result: { header: HEADER, events: {} } }],
    ['an event without a revision', { result: { header: HEADER, events: [{ kv: { key: btoa('/sidecarless/services/users/u1'), value: HOST } }] } }],
    ['an event without anything', { result: { header: HEADER, events: [{}] } }],
  ])('that says what cannot be read fails as a whole: %s', async (_, message) => {
    answers = { '/v3/kv/range': [list], '/v3/watch': [say(created, message)] }
    for (let i = 0; i < 2; i++) await users.nextSnapshot()
    await expect(users.next()).rejects.toMatchObject({ code: 'MESH_ERR_SNAPSHOT' })
  })

  it('that is refused fails, and its reason is told', async () => {
    answers = { '/v3/kv/range': [list], '/v3/watch': [(response) => response.writeHead(403).end('{"error":"etcdserver: permission denied"}')] }
    await users.nextSnapshot()
    await expect(users.next()).rejects.toMatchObject({ code: 'MESH_ERR_REGISTRY', message: expect.stringContaining('permission denied') })
  })

  it('that is cancelled is begun again with the list', async () => {
    const cancelled = { result: { header: HEADER, canceled: true, cancel_reason: 'rpc error: code = Unauthenticated' } }
    answers = { '/v3/kv/range': [list, list], '/v3/watch': [say(cancelled)] }
    await users.nextSnapshot()
    expect(await users.next()).toMatchObject({ message: "etcd cancelled its watch of 'users': rpc error: code = Unauthenticated" })
    expect(await users.nextSnapshot()).toMatchObject({ revision: 7 })
  })

  it('fails when the revision of the list went back, since the cluster is another one', async () => {
    const older: Answer = (response) => response.end(JSON.stringify({ header: { ...HEADER, revision: '3' } }))
    answers = { '/v3/kv/range': [list, older], '/v3/watch': [say({ result: { header: { ...HEADER, revision: '3' }, created: true } })] }
    await users.nextSnapshot()
    await expect(users.next()).rejects.toMatchObject({ message: "etcd's revision went back from 7 to 3: its state was replaced" })
  })
})

describe('a lease of etcd', () => {
  const instance = { service: 'users', id: 'u1', host: 'h', port: 1, weight: 1, zone: undefined, region: undefined, metadata: {} }
  const { signal } = new AbortController()

  it('keeps all 64 bits of its id', async () => {
    const ID = '9223372036854775807'
    answers = {
      '/v3/lease/grant': [(response) => response.end(JSON.stringify({ header: HEADER, ID, TTL: '15' }))],
      '/v3/kv/put': [(response) => response.end('{}')],
      '/v3/lease/revoke': [(response) => response.end('{}')],
    }
    const registration = await etcd({ endpoints: [url] }).register(instance, { signal })
    await registration.deregister()
    expect(asked.slice(1).map(({ body }) => body)).toMatchObject([{ lease: ID }, { ID }])
  })

  it.each(['{}', '{"ID":"1"}', '{"ID":1,"TTL":"15"}', '{"ID":"1","TTL":"-5"}'])('without an id or a time is none: %s', async (body) => {
    answers = { '/v3/lease/grant': [(response) => response.end(body)] }
    await expect(etcd({ endpoints: [url] }).register(instance, { signal })).rejects.toThrow('etcd granted no usable lease')
  })

  it.each([
    [404, 'lease not found', true],
    [503, 'no leader', false],
  ])('that is revoked is gone, or the refusal is told: %d', async (status, reason, gone) => {
    answers = {
      '/v3/lease/grant': [(response) => response.end('{"ID":"1","TTL":"15"}')],
      '/v3/kv/put': [(response) => response.end('{}')],
      '/v3/lease/revoke': [(response) => response.writeHead(status).end(JSON.stringify({ error: `etcdserver: ${reason}` }))],
    }
    const registration = await etcd({ endpoints: [url] }).register(instance, { signal })
    const left = registration.deregister()
    if (gone) await left
    else await expect(left).rejects.toMatchObject({ code: 'MESH_ERR_REGISTRY', message: expect.stringContaining(reason) })
  })

  it('is given back when the answer to the key was lost', async () => {
    answers = {
      '/v3/lease/grant': [(response) => response.end('{"ID":"1","TTL":"15"}')],
      '/v3/kv/put': [(response) => response.destroy()],
      '/v3/lease/revoke': [(response) => response.end('{}')],
    }
    await expect(etcd({ endpoints: [url] }).register(instance, { signal })).rejects.toMatchObject({ code: 'MESH_ERR_REGISTRY' })
    expect(paths()).toEqual(['/v3/lease/grant', '/v3/kv/put', '/v3/lease/revoke'])
  })
})
