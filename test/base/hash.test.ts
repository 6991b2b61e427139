import { describe, expect, it } from 'vitest'
import { hash32, mix32 } from '../../src/base/hash.js'

describe('hash', () => {
  it('gives the published numbers of FNV-1a, mixed by the finalizer of MurmurHash3', () => {
    expect([mix32(0), mix32(1)]).toEqual([0, 0x514e28b7])
    expect(['', 'a', 'foobar'].map(hash32)).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968].map(mix32))
  })

  it('changes half of the bits, on average, with any bit of what goes in', () => {
    let flipped = 0
    for (let i = 0; i < 32 * 200; i++) flipped += bits(mix32(i >> 5) ^ mix32((i >> 5) ^ (1 << (i & 31))))
    expect(flipped / (32 * 200)).toBeCloseTo(16, 0)
  })

  it('spreads ids that differ by one figure evenly', () => {
    const counts = new Array<number>(16).fill(0)
    for (let i = 0; i < 16_000; i++) counts[hash32(`users-${i}`) >>> 28]!++
    for (const count of counts) expect(Math.abs(count - 1_000)).toBeLessThan(130)
  })
})

function bits(value: number): number {
  let count = 0
  for (let rest = value >>> 0; rest > 0; rest >>>= 1) count += rest & 1
  return count
}
