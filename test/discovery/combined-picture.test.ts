import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Snapshot } from '../../src/call/snapshot.js'
import { fallbackOf, unionOf, type LastWord } from '../../src/discovery/combined-picture.js'
import type { EndpointEntry } from '../../src/discovery/endpoint-reader.js'
import { readSnapshot } from '../../src/discovery/snapshot-reader.js'

const says = (registry: string, endpoints: readonly EndpointEntry[], policy: unknown = {}): LastWord => ({
  registry,
  snapshot: readSnapshot({ revision: 1, endpoints, policy }, 'users'),
})
const read = (picture: ReturnType<typeof unionOf>): Snapshot => readSnapshot({ revision: 1, ...picture }, 'users')
const idsOf = (...words: LastWord[]): string[] => read(unionOf(words)).endpoints.map(({ id }) => id)

describe('the union of what registries say', () => {
  it('holds the endpoints of all of them', () => {
    expect(idsOf(says('consul', ['a:1']), says('file', ['b:1', 'c:1']))).toEqual(['a:1', 'b:1', 'c:1'])
  })

  it('counts an address once, as the first one describes it', () => {
    const first = says('consul', [{ id: 'u1', host: 'a', port: 1, weight: 5, status: 'draining' }])
    const { endpoints } = read(unionOf([first, says('file', ['a:1', 'a:2'])]))
    expect(endpoints).toMatchObject([{ id: 'u1', weight: 5, status: 'draining' }, { id: 'a:2' }])
  })

  it('leaves two endpoints at one address alone if one registry names both', () => {
    expect(
      idsOf(
        says('consul', []),
        says('file', [
          { id: 'x', host: 'a', port: 1 },
          { id: 'y', host: 'a', port: 1 },
        ]),
      ),
    ).toEqual(['x', 'y'])
  })

  it('names an endpoint after its registry when an earlier one has given its id to another address', () => {
    const u1 = (host: string): EndpointEntry => ({ id: 'u1', host, port: 1 })
    expect(
      idsOf(says('consul', [u1('a')]), says('file', [u1('b')]), says('file-2', [u1('c'), { id: 'file/u1', host: 'd', port: 1 }])),
    ).toEqual(['u1', 'file/u1', 'file-2/u1', 'file-2/file/u1'])
  })

  it('lets the first one decide about each field of the policy', () => {
    const first = says('consul', [], { timeoutMs: 5, retry: { maxResends: 0 } })
    const second = says('file', [], { timeoutMs: 9, attemptTimeoutMs: 3, retry: { maxResends: 9 }, breaker: { openMs: 4 } })
    expect(unionOf([first, second]).policy).toEqual({
      timeoutMs: 5,
      attemptTimeoutMs: 3,
      retry: { maxResends: 0 },
      breaker: { openMs: 4 },
    })
  })

  it('R13 tells which registry named what was refused, and serves the rest', () => {
    const { endpoints, refused } = read(unionOf([says('consul', ['a:0']), says('file', ['b:1'])]))
    expect(endpoints.map(({ id }) => id)).toEqual(['b:1'])
    expect(refused).toEqual([expect.stringMatching(/^consul: endpoints\[0\]\.port: expected/)])
  })

  it('holds every address that is named and no other, each once, under ids of their own', () => {
    const entry = fc.record({
      id: fc.constantFrom('u1', 'u2', 'b/u1'),
      host: fc.constantFrom('a', 'b', 'c'),
      port: fc.integer({ min: 1, max: 3 }),
    })
    const list = fc.uniqueArray(entry, { selector: ({ host, port }) => `${host}:${port}` })
    fc.assert(
      fc.property(list, list, list, (a, b, c) => {
        const words = [says('a', a), says('b', b), says('c', c)]
        const named = new Set(words.flatMap(({ snapshot }) => snapshot.endpoints.map(({ host, port }) => `${host}:${port}`)))
        const { endpoints, refused } = read(unionOf(words))
        expect(endpoints.map(({ host, port }) => `${host}:${port}`).sort()).toEqual([...named].sort())
        expect(refused?.filter((reason) => !/^[abc]: /.test(reason)) ?? []).toEqual([])
      }),
    )
  })
})

describe('a registry as the fallback of another', () => {
  it('is used when the ones before it have no endpoints, with its own policy', () => {
    const { endpoints, policy } = read(
      fallbackOf([says('consul', [], { timeoutMs: 1 }), says('file', ['b:1'], { timeoutMs: 2 }), says('etcd', ['c:1'])]),
    )
    expect(endpoints.map(({ id }) => id)).toEqual(['b:1'])
    expect(policy).toEqual({ timeoutMs: 2 })
  })

  it('is not used beside one that has endpoints', () => {
    expect(read(fallbackOf([says('consul', ['a:1']), says('file', ['b:1'])])).endpoints.map(({ id }) => id)).toEqual(['a:1'])
  })

  it('leaves the first one its word when none has endpoints', () => {
    expect(read(fallbackOf([says('consul', [], { timeoutMs: 1 }), says('file', [])]))).toMatchObject({
      endpoints: [],
      policy: { timeoutMs: 1 },
    })
  })
})
