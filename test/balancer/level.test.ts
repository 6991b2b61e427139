import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { candidates, withRoom, type Level } from '../../src/balancer/level.js'
import type { Node } from '../../src/balancer/node.js'
import { nodesOf } from './support.js'

const [a, b, c, d] = nodesOf({ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd' })
const near: Level = { priority: 0, proximity: 'zone', share: 0.75, nodes: [a!, b!] }
const far: Level = { priority: 0, proximity: 'region', share: 0.25, nodes: [c!] }
const spare: Level = { priority: 1, proximity: 'elsewhere', share: 0, nodes: [d!] }
const levels = [near, far, spare]
const ids = (nodes: readonly Node[]): string[] => nodes.map(({ id }) => id)

const lot = (value: number) => (): number => value
const never = (): number => {
  throw new Error('no lot is needed')
}

describe('candidates', () => {
  it('are the only level there is, the very array and without a lot', () => {
    expect(candidates([far], [], never)).toBe(far.nodes)
    expect(candidates([], [], never)).toEqual([])
  })

  it('are a level by lot, as often as its share says', () => {
    const random = seededRandom(7)
    const drawn = Array.from({ length: 10_000 }, () => candidates(levels, [], random))
    expect(drawn.filter((nodes) => nodes === near.nodes).length / 10_000).toBeCloseTo(0.75, 1)
    expect(drawn.filter((nodes) => nodes === spare.nodes)).toEqual([])
  })

  it('are the nearest level when the shares make 1 only nearly', () => {
    expect(candidates([{ ...near, share: 0.7 }, { ...far, share: 0.299_999 }], [], lot(0.999_999_9))).toBe(near.nodes)
  })

  it('leave out what was tried, and fall through to the first level that has anything left', () => {
    const left = (tried: readonly string[], value: number): string => ids(candidates(levels, tried, lot(value))).join('')
    expect(left(['a'], 0)).toBe('b')
    expect(left(['a'], 0.9)).toBe('c')
    expect(left(['a', 'b'], 0)).toBe('c')
    expect(left(['c'], 0.9)).toBe('ab')
    expect(left(['a', 'b', 'c'], 0.9)).toBe('d')
    expect(candidates(levels, ['a', 'b', 'c', 'd'], lot(0.9))).toBe(far.nodes)
  })

  it('are never empty while there is a level, and never tried while there is one that was not', () => {
    const everything = levels.flatMap(({ nodes }) => ids(nodes))
    fc.assert(
      fc.property(fc.subarray(everything), fc.double({ min: 0, max: 0.999_999, noNaN: true }), (tried, value) => {
        const left = ids(candidates(levels, tried, lot(value)))
        expect(left).not.toEqual([])
        if (tried.length < 4) expect(left.filter((id) => tried.includes(id))).toEqual([])
      }),
    )
  })
})

describe('what has room', () => {
  const full = (...names: string[]): Level[] =>
    levels.map((level) => ({
      ...level,
      nodes: nodesOf(...level.nodes.map(({ id }) => ({ id }))).map((node) => Object.assign(node, { inFlight: names.includes(node.id) ? 3 : 2 })),
    }))

  it('is what was offered first, then anywhere, then what was tried', () => {
    const left = (tried: readonly string[], ...names: string[]): string => {
      const known = full(...names)
      return ids(withRoom(known[0]!.nodes, known, tried, 3)).join('')
    }
    expect(left([], 'a')).toBe('b')
    expect(left([], 'a', 'b')).toBe('c')
    expect(left(['b'], 'a')).toBe('c')
    expect(left(['b', 'c', 'd'], 'a')).toBe('bcd')
    expect(left([], 'a', 'b', 'c', 'd')).toBe('')
  })

  it('is never full, and not empty while anybody has room', () => {
    const everything = levels.flatMap(({ nodes }) => ids(nodes))
    fc.assert(
      fc.property(fc.subarray(everything), fc.subarray(everything), fc.nat(2), (names, tried, at) => {
        const known = full(...names)
        const left = withRoom(known[at]!.nodes, known, tried, 3)
        expect(left.filter(({ inFlight }) => inFlight >= 3)).toEqual([])
        expect(left.length > 0).toBe(names.length < 4)
        const wasUntriedLeft = everything.some((id) => !names.includes(id) && !tried.includes(id))
        if (wasUntriedLeft) expect(left.filter(({ id }) => tried.includes(id))).toEqual([])
      }),
    )
  })
})
