import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import type { Node } from '../../src/balancer/node.js'
import { callOf } from '../support/scripted.js'
import { nodesOf, pickerOf } from './support.js'

const ofUser = (user: string) => callOf({ headers: ['host', 'users', 'x-user', user] })
const USERS = Array.from({ length: 2_000 }, (_, i) => ofUser(`user-${i}`))
const byUser = (seed = 1) => pickerOf({ algorithm: 'ring-hash', hashHeader: 'x-user' }, seededRandom(seed))
const ids = (nodes: readonly Node[], picker = byUser()): string[] => USERS.map((call) => picker.pick(nodes, call)!.id)

describe('the ring-hash picker', () => {
  it('sends one user to one endpoint, from every client and whatever the order of the endpoints', () => {
    const nodes = nodesOf({}, {}, {}, {}, {})
    expect(ids([...nodes].reverse(), byUser(2))).toEqual(ids(nodes))
  })

  it('moves only the users of an endpoint that goes, and to all of the others', () => {
    const nodes = nodesOf({}, {}, {}, {}, {})
    const before = ids(nodes)
    const after = ids(nodes.slice(1))
    const moved = before.map((id, i) => [id, after[i]!] as const).filter(([from, to]) => from !== to)
    expect(moved.every(([from]) => from === 'users-0')).toBe(true)
    expect(moved).toHaveLength(before.filter((id) => id === 'users-0').length)
    expect(new Set(moved.map(([, to]) => to)).size).toBe(4)
  })

  it('spreads users evenly, and by weight', () => {
    const share = (nodes: Node[], id: string): number => ids(nodes).filter((other) => other === id).length / USERS.length
    const even = nodesOf({}, {}, {}, {}, {})
    for (const { id } of even) expect(Math.abs(share(even, id) - 0.2)).toBeLessThan(0.04)
    const weighted = nodesOf({ weight: 6 }, { weight: 2 }, { weight: 2 })
    expect(Math.abs(share(weighted, 'users-0') - 0.6)).toBeLessThan(0.05)
  })

  it('does not pile a hot user onto one endpoint: it goes to the next one beyond the bound, and back', () => {
    const nodes = nodesOf({}, {}, {}, {})
    const hot = ofUser('hot')
    const picker = byUser()
    const home = picker.pick(nodes, hot)!
    const picked = Array.from({ length: 200 }, () => {
      const node = picker.pick(nodes, hot)!
      node.begin()
      return node
    })
    for (const node of nodes) expect(node.inFlight).toBeLessThanOrEqual(Math.ceil(1.25 * 50) + 1)
    for (const node of picked) node.end()
    expect(picker.pick(nodes, hot)).toBe(home)
  })

  it('goes by a cookie, by the header before the cookie, and by the path without either', () => {
    const nodes = nodesOf({}, {}, {}, {}, {}, {}, {}, {})
    const picker = pickerOf({ algorithm: 'ring-hash', hashHeader: 'x-user', hashCookie: 'sid' }, seededRandom(1))
    const pick = (headers: string[], path = '/'): string => picker.pick(nodes, callOf({ headers, path }))!.id
    const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`)
    for (const key of keys) {
      const byHeader = pick(['x-user', key])
      expect(pick(['cookie', `other=1; sid=${key}; xsid=2`])).toBe(byHeader)
      expect(pick(['x-user', key, 'cookie', 'sid=another'])).toBe(byHeader)
      expect(pick([], key)).toBe(byHeader)
    }
    expect(new Set(keys.map((key) => pick(['x-user', key]))).size).toBe(8)
  })

  it('picks nothing from nothing', () => {
    expect(byUser().pick([], callOf())).toBeUndefined()
  })
})
