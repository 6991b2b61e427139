import { describe, expect, it } from 'vitest'
import { HedgeCap } from '../../src/resilience/hedge-cap.js'

describe('the cap of second attempts', () => {
  it('is a share of the calls, and at most five at once', () => {
    const cap = new HedgeCap(0.05)
    for (let i = 0; i < 10_000; i++) cap.deposit()
    const burst = Array.from({ length: 20 }, () => cap.withdraw()).filter(Boolean)
    expect(burst).toHaveLength(5)
    let made = 0
    for (let i = 0; i < 1_000; i++) {
      cap.deposit()
      if (cap.withdraw()) made++
    }
    expect(made).toBe(50)
  })
})
