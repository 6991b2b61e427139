import { describe, it } from 'vitest'
import { sleepAndWake } from '../support/sleeper.js'

describe('the registration of a process that was stopped', () => {
  it('R10 is back when it wakes', () => sleepAndWake({ ttlMs: 1_000, sleepMs: 2_000, isForgotten: false }))
  it('R10 is back when it wakes, also where it was forgotten', () => sleepAndWake({ ttlMs: 1_000, sleepMs: 2_000, isForgotten: true }))
})
