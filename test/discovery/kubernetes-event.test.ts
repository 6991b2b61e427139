import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isMeshError } from '../../src/base/errors.js'
import { readWatchEvent } from '../../src/discovery/kubernetes-event.js'

const line = (type: unknown, object: unknown): string => JSON.stringify({ type, object })
const slice = { metadata: { name: 'users-1', resourceVersion: '7' } }

describe('an event of a watch', () => {
  it('is a change of one object, a bookmark, or the news that the version is gone', () => {
    expect(readWatchEvent(line('ADDED', slice))).toEqual({ type: 'ADDED', version: '7', name: 'users-1', object: slice })
    expect(readWatchEvent(line('DELETED', slice))).toMatchObject({ type: 'DELETED', name: 'users-1' })
    expect(readWatchEvent(line('BOOKMARK', { metadata: { resourceVersion: '9' } }))).toEqual({ type: 'BOOKMARK', version: '9' })
    expect(readWatchEvent(line('ERROR', { kind: 'Status', code: 410, reason: 'Expired' }))).toEqual({ type: 'GONE' })
  })

  it.each([
    [{ kind: 'Status', code: 500, message: 'etcdserver: no leader' }, 'Kubernetes ended the watch: etcdserver: no leader'],
    [{ kind: 'Status', code: '410' }, 'for no reason given'],
    [null, 'for no reason given'],
  ])('fails the watch on the error %j', (status, message) => {
    expect(() => readWatchEvent(line('ERROR', status))).toThrow(
      expect.objectContaining({ code: 'MESH_ERR_REGISTRY', message: expect.stringContaining(message) }),
    )
  })

  it.each([
    ['half JSON', '{"type":"ADDED","obj', 'is not JSON'],
    ['null', 'null', 'has no resourceVersion'],
    ['a number', '5', 'has no resourceVersion'],
    ['no object', line('ADDED', undefined), 'has no resourceVersion'],
    ['a null for metadata', line('ADDED', { metadata: null }), 'has no resourceVersion'],
    ['a number for a version', line('ADDED', { metadata: { name: 'a', resourceVersion: 7 } }), 'has no resourceVersion'],
    ['a bookmark without a version', line('BOOKMARK', { metadata: { name: 'a' } }), 'has no resourceVersion'],
    ['no name', line('MODIFIED', { metadata: { resourceVersion: '7' } }), 'is about an object without a name'],
    ['an unknown type', line('RENAMED', slice), 'is of an unknown type: RENAMED'],
  ])('R04 fails the watch on %s, since a change would be missed', (_, text, message) => {
    expect(() => readWatchEvent(text)).toThrow(
      expect.objectContaining({ code: 'MESH_ERR_SNAPSHOT', message: `An event of a watch in Kubernetes ${message}` }),
    )
  })

  it('R04 is read or refused with a code, whatever JSON it is', () => {
    const event = fc.record({ type: fc.constantFrom('ADDED', 'DELETED', 'BOOKMARK', 'ERROR', 1, null), object: fc.jsonValue() })
    fc.assert(
      fc.property(fc.oneof(fc.json(), event.map((value) => JSON.stringify(value)), fc.string()), (text) => {
        try {
          expect(['ADDED', 'DELETED', 'MODIFIED', 'BOOKMARK', 'GONE']).toContain(readWatchEvent(text).type)
        } catch (error) {
          expect(isMeshError(error)).toBe(true)
        }
      }),
    )
  })
})
