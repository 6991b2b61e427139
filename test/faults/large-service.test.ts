import { afterEach, describe, expect, it } from 'vitest'
import { levelsOf, localityDefaults } from '../../src/balancer/locality.js'
import { createEndpointSet } from '../../src/balancer/endpoint-set.js'
import { systemClock } from '../../src/base/clock.js'
import { Events } from '../../src/call/events.js'
import type { RawSnapshot, Registry } from '../../src/discovery/registry.js'
import { createResolver } from '../../src/discovery/resolver.js'
import { Bell } from '../../src/discovery/bell.js'
import { silence } from '../support/scripted.js'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const SIZE = 10_000
const CHANGES_PER_SEC = 100
const SECONDS = 10

/** Ten thousand endpoints, of which one changes its weight at each step; the others stay the same objects, as in a watch. */
function changing(): { registry: Registry; change(): { at: number; weight: number } } {
  const bell = new Bell()
  const endpoints: { id: string; host: string; port: number; weight: number; metadata: object }[] = Array.from({ length: SIZE }, (_, i) => ({
    id: `i-${i}`,
    host: `10.0.${i >> 8}.${i & 255}`,
    port: 8080,
    weight: 1,
    metadata: { version: '1' },
  }))
  let revision = 1
  const registry: Registry = {
    name: 'changing',
    async *watch(_service, { signal }): AsyncGenerator<RawSnapshot> {
      for (let seen = 0; !signal.aborted; ) {
        if (seen === revision) await bell.rung(signal)
        else yield { revision: (seen = revision), endpoints: endpoints.slice() }
      }
    },
    register: () => Promise.reject(new Error('not here')),
  }
  const change = (): { at: number; weight: number } => {
    const at = revision % SIZE
    const weight = 2 + (revision % 100)
    endpoints[at] = { ...endpoints[at]!, weight }
    revision++
    bell.ring()
    return { at, weight }
  }
  return { registry, change }
}

describe('a large service', () => {
  it('R12 is followed through a hundred changes a second for at most a fifth of a core, and each is seen within a tenth of a second', async () => {
    const { registry, change } = changing()
    const events = new Events()
    const resolver = createResolver({ registry, service: 'users', clock: systemClock, random: Math.random, events })
    const endpoints = createEndpointSet({
      service: 'users',
      registry: 'changing',
      connect: () => ({ handle: silence, close: async () => {} }),
      draw: (known) => levelsOf(known, { zone: undefined, region: undefined }, localityDefaults),
      events,
    })
    events.on('listenerError', ({ error }) => expect.unreachable(String(error)))
    closers.push(() => resolver.close(), () => endpoints.close())
    const waiting = new Map<number, { weight: number; changedAt: number }>()
    const lagsMs: number[] = []
    resolver.subscribe((snapshot) => {
      endpoints.apply(snapshot)
      for (const [at, { weight, changedAt }] of waiting) {
        if (snapshot.endpoints[at]?.weight !== weight) continue
        lagsMs.push(performance.now() - changedAt)
        waiting.delete(at)
      }
    })
    await endpoints.whenReady()
    const cpuBefore = process.cpuUsage()
    const startedAt = performance.now()
    await new Promise<void>((resolve) => {
      let changes = 0
      const pulse = setInterval(() => {
        const { at, weight } = change()
        waiting.set(at, { weight, changedAt: performance.now() })
        if (++changes === CHANGES_PER_SEC * SECONDS) {
          clearInterval(pulse)
          resolve()
        }
      }, 1_000 / CHANGES_PER_SEC)
    })
    await expect.poll(() => waiting.size).toBe(0)
    const cpu = process.cpuUsage(cpuBefore)
    const cpuRatio = (cpu.user + cpu.system) / 1000 / (performance.now() - startedAt)
    const p99Ms = lagsMs.sort((a, b) => a - b)[Math.floor(lagsMs.length * 0.99)]!
    process.stdout.write(`R12: ${(cpuRatio * 100).toFixed(1)} % of a core, lag p99 ${p99Ms.toFixed(0)} ms\n`)
    expect({ cpuRatio, p99Ms }, JSON.stringify({ cpuRatio, p99Ms })).toSatisfy(() => cpuRatio <= 0.2 && p99Ms <= 100)
  })
})
