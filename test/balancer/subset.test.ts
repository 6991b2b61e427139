import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Level } from '../../src/balancer/level.js'
import { subsetLevels } from '../../src/balancer/subset.js'
import { nodesOf } from './support.js'

const level = (ids: readonly string[], fields: Partial<Level> = {}): Level => {
  return { priority: 0, proximity: 'elsewhere', share: 1, nodes: nodesOf(...ids.map((id) => ({ id }))), ...fields }
}
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `users-${i}`)
const subset = (ids: readonly string[], size: number, client: string): string[] => {
  return subsetLevels([level(ids)], { size }, client)[0]!.nodes.map(({ id }) => id)
}

describe('subsets', () => {
  const id = fc.string({ minLength: 1, maxLength: 12 })
  const ids = fc.uniqueArray(id, { minLength: 1, maxLength: 60 })
  const size = fc.integer({ min: 1, max: 40 })

  it('have the size that is asked for, and hold nothing twice and nothing foreign', () => {
    fc.assert(
      fc.property(ids, size, id, (ids, size, client) => {
        const part = subset(ids, size, client)
        expect(part).toHaveLength(Math.min(size, ids.length))
        expect(ids.filter((id) => part.includes(id))).toEqual(part)
      }),
    )
  })

  it('change by one place at most when an endpoint comes or goes', () => {
    fc.assert(
      fc.property(ids, size, id, fc.nat(), (ids, size, client, which) => {
        const leaving = ids[which % ids.length]!
        const before = subset(ids, size, client)
        const after = subset(ids.filter((id) => id !== leaving), size, client)
        const lost = before.filter((id) => !after.includes(id))
        const won = after.filter((id) => !before.includes(id))
        expect(lost).toEqual(before.includes(leaving) ? [leaving] : [])
        expect(won.length).toBeLessThanOrEqual(lost.length)
      }),
    )
  })

  it('do not depend on the order in which the registry tells', () => {
    fc.assert(
      fc.property(ids, size, id, (ids, size, client) => {
        expect(subset([...ids].reverse(), size, client).sort()).toEqual(subset(ids, size, client).sort())
      }),
    )
  })

  it('differ from client to client', () => {
    const parts = Array.from({ length: 50 }, (_, i) => subset(names(200), 20, `client-${i}`).join())
    expect(new Set(parts).size).toBe(50)
  })

  it('are taken of each level by itself, so that the own zone is not cut away', () => {
    const near = level(names(3), { proximity: 'zone', share: 0.6 })
    const far = level(names(900), { proximity: 'region', share: 0.4 })
    const parts = subsetLevels([near, far], { size: 20 }, 'client')
    expect(parts.map(({ proximity, share, nodes }) => [proximity, share, nodes.length])).toEqual([['zone', 0.6, 3], ['region', 0.4, 20]])
  })

  it('leave the picture as it is when there is nothing to leave out', () => {
    const levels = [level(names(20)), level(names(5))]
    expect(subsetLevels(levels, { size: 0 }, 'client')).toBe(levels)
    expect(subsetLevels(levels, { size: 20 }, 'client')).toBe(levels)
  })
})
