import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { SpillGate } from '../../src/resilience/spill-gate.js'

const SERVICE_MS = 20

/** A gate that has seen requests find 0 to 12 others, with so many slots and times that vary by chance. */
function experienced({ slots, seed = 1 }: { readonly slots: number; readonly seed?: number }): SpillGate {
  const random = seededRandom(seed)
  const gate = new SpillGate()
  for (let i = 0; i < 1_000; i++) {
    const inFlight = Math.floor(random() * 13)
    const workMs = -SERVICE_MS * Math.log(1 - random())
    gate.observe(inFlight, workMs + Math.max(0, inFlight + 1 - slots) * (SERVICE_MS / slots))
  }
  return gate
}

describe('the spill gate', () => {
  it('refuses what would wait longer here than it takes elsewhere, and lets in what would not', () => {
    const gate = experienced({ slots: 2 })
    expect(gate.refuses(12, 30)).toBe(true)
    expect(gate.refuses(0, 30)).toBe(false)
  })

  it('expects twice the time of twice the requests', () => {
    const gate = experienced({ slots: 1 })
    expect(gate.expectedMs(9) / gate.expectedMs(4)).toBeCloseTo(2)
  })

  it('refuses nothing where requests do not wait for each other, however many there are', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const gate = experienced({ slots: 1_000, seed })
      expect(gate.refuses(12, SERVICE_MS), `seed ${seed}`).toBe(false)
    }
  })

  it('refuses nothing before it knows anything', () => {
    const gate = new SpillGate()
    for (let i = 0; i < 49; i++) gate.observe(i % 10, 10 * (1 + (i % 10)))
    expect(gate.refuses(50, 1)).toBe(false)
    gate.observe(9, 100)
    expect(gate.refuses(50, 1)).toBe(true)
  })

  it('learns that it has become faster', () => {
    const gate = experienced({ slots: 1 })
    expect(gate.refuses(6, 30)).toBe(true)
    for (let i = 0; i < 300; i++) gate.observe(i % 13, (1 + (i % 13)) * 2)
    expect(gate.refuses(6, 30)).toBe(false)
  })

  it('never refuses the shorter queue where it would take the longer one, whatever it has seen', () => {
    const samples = fc.array(fc.tuple(fc.integer({ min: 0, max: 200 }), fc.double({ min: 0, max: 1e5, noNaN: true })), { maxLength: 400 })
    fc.assert(
      fc.property(samples, fc.nat(200), fc.nat(200), fc.double({ min: 0.1, max: 1e4, noNaN: true }), (seen, a, b, elsewhereMs) => {
        const gate = new SpillGate()
        for (const [inFlight, tookMs] of seen) gate.observe(inFlight, tookMs)
        const [fewer, more] = [Math.min(a, b), Math.max(a, b)]
        if (gate.refuses(fewer, elsewhereMs)) expect(gate.refuses(more, elsewhereMs)).toBe(true)
      }),
    )
  })
})
