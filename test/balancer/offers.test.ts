import { describe, expect, it } from 'vitest'
import { Offers } from '../../src/balancer/offers.js'

function used(latencyMs: number): Offers {
  const offers = new Offers()
  for (let i = 0; i < 100; i++) offers.answered(latencyMs)
  return offers
}

describe('offers', () => {
  it('ask for the time that requests usually take', () => {
    expect(used(30).priceMs).toBeCloseTo(30)
  })

  it('are not made before anything is known', () => {
    const offers = new Offers()
    for (let i = 0; i < 19; i++) offers.answered(30)
    expect(offers.priceMs).toBe(0)
    offers.answered(30)
    expect(offers.priceMs).toBeCloseTo(30)
  })

  it('are not made where an answer comes sooner than a second way would take', () => {
    expect(used(1).priceMs).toBe(0)
  })

  it('end while most of them are refused, and begin again when calls have been answered without', () => {
    const offers = used(30)
    for (let i = 0; i < 100; i++) {
      offers.refused()
      offers.answered(30)
    }
    expect(offers.priceMs).toBe(0)
    for (let i = 0; i < 100; i++) offers.answered(30)
    expect(offers.priceMs).toBeCloseTo(30)
  })
})
