import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readSelector } from '../support/kubernetes-api/selector.js'
import { KubernetesApi } from '../support/kubernetes-api/server.js'
import { podEndpoint, usersSlice } from '../support/kubernetes-api/slice.js'

/** The rules that the tests' own API server enforces, so that a client which passes there has kept them. */
let server: KubernetesApi

interface Told {
  readonly metadata: {
    readonly name: string
    readonly resourceVersion: string
    readonly continue?: string
    readonly labels: object
  }
}

const leaving: AbortController[] = []

beforeEach(async () => {
  server = await KubernetesApi.start({ token: 'secret' })
})
afterEach(async () => {
  for (const each of leaving.splice(0)) each.abort()
  await server.close()
})

const ask = (query: string, headers: Record<string, string> = { authorization: 'Bearer secret' }, namespace = 'default') => {
  const aborter = new AbortController()
  leaving.push(aborter)
  const url = `${server.url}/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices?${query}`
  return fetch(url, { headers, signal: aborter.signal })
}
const list = async (query = '') => (await (await ask(query)).json()) as Told & { items: Told[] }
const refused = async (...args: Parameters<typeof ask>) => {
  const answer = await ask(...args)
  expect(await answer.json()).toMatchObject({ kind: 'Status', status: 'Failure', code: answer.status })
  return answer.status
}

/** Lines of a watch, one at a time. */
async function watch(query: string): Promise<() => Promise<{ type: string; object: Told } | 'ended'>> {
  const answer = await ask(`watch=true&${query}`)
  const chunks = answer.body!.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]()
  let text = ''
  return async () => {
    while (!text.includes('\n')) {
      const { value, done } = await chunks.next()
      if (done === true) return 'ended'
      text += value
    }
    const line = text.slice(0, text.indexOf('\n'))
    text = text.slice(line.length + 1)
    return JSON.parse(line) as { type: string; object: Told }
  }
}

const put = (name: string, labels = { 'kubernetes.io/service-name': 'users' }) =>
  server.store.put({ ...usersSlice(name, [podEndpoint('p', '10.0.0.1')]), metadata: { name, labels } })

describe('the API server of the tests', () => {
  it('gives a list the version of everything, and its objects their own', async () => {
    put('a')
    server.store.elsewhere()
    const { metadata, items } = await list()
    expect(metadata).toEqual({ resourceVersion: '1002' })
    expect(items[0]!.metadata).toMatchObject({ name: 'a', resourceVersion: '1001', creationTimestamp: '2026-01-01T00:00:01Z' })
  })

  it('refuses versions from the future, and forgotten ones where they would have to be exact', async () => {
    put('a')
    put('b')
    server.store.compact()
    expect(await refused('resourceVersion=9999')).toBe(504)
    expect(await refused('resourceVersion=1001&limit=1')).toBe(410)
    expect((await list('resourceVersion=1001')).metadata.resourceVersion).toBe('1002')
    expect((await list('resourceVersion=0')).items).toHaveLength(2)
    expect(await refused('resourceVersion=x')).toBe(400)
  })

  it('gives pages of one version, until that is compacted', async () => {
    for (const name of ['a', 'b', 'c']) put(name)
    const first = await list('limit=2')
    put('d')
    const next = `limit=2&continue=${first.metadata.continue}`
    const second = await list(next)
    expect([...first.items, ...second.items].map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c'])
    expect(second.metadata).toEqual({ resourceVersion: first.metadata.resourceVersion })
    expect(await refused(`${next}&resourceVersion=1001`)).toBe(400)
    server.store.compact()
    expect(await refused(next)).toBe(410)
    expect(await refused('continue=nonsense')).toBe(400)
  })

  it('tells a watch what happens after its version, and what begins or ceases to be selected', async () => {
    put('a')
    const next = await watch('labelSelector=kubernetes.io/service-name=users&resourceVersion=1001')
    put('b', { 'kubernetes.io/service-name': 'mail' })
    put('b')
    put('b')
    put('a', { 'kubernetes.io/service-name': 'mail' })
    server.store.delete('b')
    for (const [type, name, resourceVersion] of [
      ['ADDED', 'b', '1003'],
      ['MODIFIED', 'b', '1004'],
      ['DELETED', 'a', '1005'],
      ['DELETED', 'b', '1006'],
    ]) {
      // As it was when it was selected last.
      const labels = { 'kubernetes.io/service-name': 'users' }
      expect(await next()).toMatchObject({ type, object: { metadata: { name, resourceVersion, labels } } })
    }
  })

  it('begins a watch without a version with all that there is, and one from the future when it has come', async () => {
    put('a')
    expect(await (await watch(''))()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'a' } } })
    const next = await watch('resourceVersion=1002')
    put('b')
    put('c')
    expect(await next()).toMatchObject({ object: { metadata: { name: 'c' } } })
  })

  it('tells a watch that its version is gone, as an event or as the status', async () => {
    put('a')
    server.store.compact()
    const next = await watch('resourceVersion=1000')
    expect(await next()).toMatchObject({ type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired' } })
    expect(await next()).toBe('ended')
    server.goneAs = 'status'
    expect(await refused('watch=1&resourceVersion=1000')).toBe(410)
  })

  it('sends bookmarks to those only that asked for them', async () => {
    const [asked, silent] = [await watch('resourceVersion=1000&allowWatchBookmarks=true'), await watch('resourceVersion=1000')]
    server.store.elsewhere()
    server.bookmark()
    put('a')
    expect(await asked()).toMatchObject({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '1001' } } })
    expect(await silent()).toMatchObject({ type: 'ADDED' })
  })

  it('ends a watch when its time is over', async () => {
    const next = await watch('resourceVersion=1000&timeoutSeconds=1')
    expect(await next()).toBe('ended')
    expect(await refused('watch=true&timeoutSeconds=soon')).toBe(400)
  })

  it('refuses those without a valid token, other namespaces and malformed selectors', async () => {
    expect(await refused('', {})).toBe(401)
    expect(await refused('', { authorization: 'Bearer old' })).toBe(401)
    expect(await refused('', undefined, 'shop')).toBe(403)
    expect(await refused('labelSelector=a%3D%3D%3Db')).toBe(400)
    expect((await fetch(server.url, { headers: { authorization: 'Bearer secret' } })).status).toBe(404)
  })

  it('keeps the type of the addresses of a slice', () => {
    put('a')
    expect(() => server.store.put(usersSlice('a', [], { addressType: 'IPv6' }))).toThrow('field is immutable')
  })

  it.each<[string, boolean]>([
    ['', true],
    ['app=web', true],
    ['app==web,tier!=back', true],
    ['app!=web', false],
    ['other!=web', true],
    ['app in (web, api),tier', true],
    ['app notin (web)', false],
    ['other notin (web)', true],
    ['!other', true],
    ['!app', false],
    ['kubernetes.io/service-name=users', true],
    ['kubernetes.io/service-name=mail', false],
  ])('reads the selector %j', (text, isSelected) => {
    expect(readSelector(text)({ app: 'web', tier: 'front', 'kubernetes.io/service-name': 'users' })).toBe(isSelected)
  })

  it.each(['a===b', 'a in b', '=a', 'a=b c', '/a=b', 'a,,b'])('refuses the selector %j', (text) => {
    expect(() => readSelector(text)).toThrow('unable to parse requirement')
  })
})
