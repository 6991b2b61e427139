import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { HedgePace } from '../../src/resilience/hedge-pace.js'
import { LatencyHistogram } from '../../src/resilience/latency-histogram.js'

describe('the latency histogram', () => {
  it('knows every percentile to a tenth', () => {
    const histogram = new LatencyHistogram()
    for (let i = 1; i <= 10_000; i++) histogram.observe(i / 10)
    for (const share of [0.01, 0.5, 0.95, 0.99, 0.999]) {
      expect(histogram.percentileMs(share) / (share * 1_000)).toBeGreaterThanOrEqual(1)
      expect(histogram.percentileMs(share) / (share * 1_000)).toBeLessThan(1.1)
    }
  })

  it('takes what is shorter or longer than it can tell, and knows nothing before there is anything', () => {
    const histogram = new LatencyHistogram()
    expect(histogram.percentileMs(0.5)).toBe(Infinity)
    histogram.observe(0)
    histogram.observe(1e9)
    expect(histogram.percentileMs(0.5)).toBeLessThan(0.2)
    expect(histogram.percentileMs(1)).toBeGreaterThan(100_000)
  })

  it('fades without losing its shape', () => {
    const histogram = new LatencyHistogram()
    for (let i = 1; i <= 1_000; i++) histogram.observe(i)
    const before = histogram.percentileMs(0.95)
    for (let i = 0; i < 5; i++) histogram.fade(0.5)
    expect(histogram.percentileMs(0.95)).toBe(before)
    expect(histogram.count).toBeCloseTo(1_000 / 32)
  })
})

/** Answers of a service, 100 a second, that take 10 ms but for one in twenty, which takes 100 ms; all of it `slower` times as long. */
function serve(pace: HedgePace, fromMs: number, untilMs: number, slower = 1): void {
  const random = seededRandom(7)
  for (let nowMs = fromMs; nowMs < untilMs; nowMs += 10) {
    pace.delayMs(nowMs)
    pace.observe((random() < 0.04 ? 100 : 9 + random()) * slower)
  }
}

describe('the pace of hedging', () => {
  it('knows no delay before a hundred answers', () => {
    const pace = new HedgePace(0.95)
    for (let i = 0; i < 99; i++) pace.observe(10)
    expect(pace.delayMs(1_000)).toBe(Infinity)
    pace.observe(10)
    expect(pace.delayMs(2_000)).toBeLessThan(11)
  })

  it('waits as long as the percentile of the recent answers takes', () => {
    const pace = new HedgePace(0.95)
    serve(pace, 0, 10_000)
    expect(pace.delayMs(10_000)).toBeGreaterThanOrEqual(10)
    expect(pace.delayMs(10_000)).toBeLessThan(12)
    const patient = new HedgePace(0.99)
    serve(patient, 0, 10_000)
    expect(patient.delayMs(10_000)).toBeGreaterThanOrEqual(100)
  })

  it('L04: stops by itself when the whole service is three times as slow, and goes on when it is not any more', () => {
    const pace = new HedgePace(0.95)
    serve(pace, 0, 60_000)
    serve(pace, 60_000, 75_000, 3)
    expect(pace.delayMs(75_000)).toBe(Infinity)
    serve(pace, 75_000, 120_000)
    expect(pace.delayMs(120_000)).toBeLessThan(12)
  })

  it('takes for usual what has been for long enough', () => {
    const pace = new HedgePace(0.95)
    serve(pace, 0, 60_000)
    serve(pace, 60_000, 1_200_000, 3)
    expect(pace.delayMs(1_200_000)).toBeGreaterThan(29)
    expect(pace.delayMs(1_200_000)).toBeLessThan(40)
  })
})
