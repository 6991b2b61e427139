import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Priority } from '../../src/call/priority.js'
import { Admission } from '../../src/resilience/admission.js'

describe('admission', () => {
  it('sheds nothing that is more important than what it still lets in', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ tooMuch: fc.boolean(), after: fc.nat(2_000) }), { maxLength: 60 }), (rounds) => {
        const admission = new Admission()
        let nowMs = 0
        for (const { tooMuch, after } of rounds) {
          nowMs += after
          admission.observe(() => tooMuch, nowMs)
          const [critical, normal, low] = (['critical', 'normal', 'low'] as const).map((priority) => admission.share(priority))
          expect(critical).toBe(1)
          if (low! > 0) expect(normal).toBe(1)
          expect(admission.admits('critical')).toBe(true)
        }
      }),
    )
  })

  it('lets in its share, evenly', () => {
    const admission = new Admission()
    for (let round = 0; round < 6; round++) admission.observe(() => true, round * 250)
    const share = admission.share('normal')
    expect(share).toBeLessThan(1)
    let admitted = 0
    for (let i = 1; i <= 1_000; i++) {
      if (admission.admits('normal')) admitted++
      expect(Math.abs(admitted - share * i)).toBeLessThan(1.001)
    }
  })

  it.each([1.2, 2, 4])('finds the load that can be borne, and stays near it, when asked for %d times as much', (load) => {
    const admission = new Admission()
    // A fifth is critical, half is normal, the rest is low; at most 0.9 may be used.
    const parts: [Priority, number][] = [['critical', 0.1 * load], ['normal', 0.5 * load], ['low', 0.4 * load]]
    const used: number[] = []
    for (let round = 0; round < 400; round++) {
      const busy = Math.min(1, parts.reduce((sum, [priority, part]) => sum + part * admission.share(priority), 0))
      admission.observe(() => busy > 0.9, round * 250)
      if (round >= 40) used.push(busy)
    }
    const mean = used.reduce((sum, busy) => sum + busy, 0) / used.length
    expect(mean).toBeGreaterThan(0.75)
    expect(mean).toBeLessThan(0.95)
  })

  it('is as before some seconds after it was too much, even if nobody asked meanwhile', () => {
    const admission = new Admission()
    for (let round = 0; round < 40; round++) admission.observe(() => true, round * 250)
    expect(admission.share('normal')).toBeLessThan(0.01)
    admission.observe(() => false, 40 * 250 + 5_000)
    expect([admission.share('normal'), admission.share('low')]).toEqual([1, 1])
  })
})
