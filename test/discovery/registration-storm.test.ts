import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import { Events } from '../../src/call/events.js'
import { createRegistrar } from '../../src/discovery/registrar.js'
import type { Instance, Registry } from '../../src/discovery/registry.js'
import { FakeClock } from '../support/fake-clock.js'

const CLIENTS = 500

interface Scene {
  readonly clock: FakeClock
  /** When a registration was asked for, granted or not. */
  readonly askedAt: number[]
  /** How often each instance stands there at this moment. */
  readonly standing: ReadonlyMap<string, number>
  /** The registry forgets everybody, and refuses everybody until it is back. */
  fail(): void
  comeBack(): void
}

async function registered(): Promise<Scene> {
  const clock = new FakeClock()
  const askedAt: number[] = []
  const standing = new Map<string, number>()
  let isDown = false
  let loseAll: (() => void)[] = []
  const registry: Registry = {
    name: 'simulated',
    async *watch() {},
    async register({ id }) {
      askedAt.push(clock.now())
      if (isDown) throw new Error('down')
      standing.set(id, (standing.get(id) ?? 0) + 1)
      const lost = new Promise<Error>((resolve) => loseAll.push(() => resolve(new Error('forgotten'))))
      return { lost, deregister: async () => {} }
    },
  }
  const random = seededRandom(11)
  const instance = { service: 'users', host: 'h', port: 1, weight: 1, zone: undefined, region: undefined, metadata: {} }
  await Promise.all(
    Array.from({ length: CLIENTS }, (_, i) =>
      createRegistrar({ registry, clock, random, events: new Events() }).register({ ...instance, id: `u${i}` } satisfies Instance),
    ),
  )
  askedAt.length = 0
  return {
    clock,
    askedAt,
    standing,
    fail() {
      isDown = true
      standing.clear()
      for (const lose of loseAll.splice(0)) lose()
      loseAll = []
    },
    comeBack: () => void (isDown = false),
  }
}

function peak(times: readonly number[], binMs: number): number {
  const counts = new Map<number, number>()
  for (const at of times) counts.set(Math.floor(at / binMs), (counts.get(Math.floor(at / binMs)) ?? 0) + 1)
  return Math.max(...counts.values())
}

describe('500 instances whose registry restarts', () => {
  it('R11 that are forgotten at one moment come back evenly over a second, each once', async () => {
    const { clock, askedAt, standing, fail, comeBack } = await registered()
    fail()
    comeBack()
    await clock.advance(1_000)
    expect(askedAt).toHaveLength(CLIENTS)
    expect([...standing.values()]).toEqual(Array.from({ length: CLIENTS }, () => 1))
    expect(peak(askedAt, 100)).toBeLessThanOrEqual((1.5 * CLIENTS) / 10)
  })

  it('R11 that find it down for a minute come back spread over the window in which each tries once, each once', async () => {
    const { clock, askedAt, standing, fail, comeBack } = await registered()
    fail()
    await clock.advance(60_000)
    comeBack()
    await clock.advance(15_000)
    expect(standing.size).toBe(CLIENTS)
    expect([...standing.values()].every((times) => times === 1)).toBe(true)
    const windowSec = 5
    expect(peak(askedAt.filter((at) => at >= 60_000), 1_000)).toBeLessThanOrEqual((1.5 * CLIENTS) / windowSec)
  })
})
