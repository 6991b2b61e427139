import { EventEmitter } from 'node:events'
import fc from 'fast-check'
import CircuitBreaker from 'opossum'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import type { BreakerCircuit } from '../../src/call/breaker-circuit.js'
import { Events } from '../../src/call/events.js'
import type { BreakerPolicy } from '../../src/call/policy.js'
import type { Reply } from '../../src/call/reply.js'
import { breakerDefaults, createBreaker, type Breaker } from '../../src/resilience/breaker.js'
import { FakeClock } from '../support/fake-clock.js'
import { callOf, replyOf } from '../support/scripted.js'

const breakers: Breaker[] = []
// The timer that ends the open state is opossum's own.
beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => {
  for (const breaker of breakers.splice(0)) breaker.close()
  vi.useRealTimers()
})

function scene(policy: Partial<BreakerPolicy> = {}) {
  const clock = new FakeClock()
  const events = new Events()
  const breaker = createBreaker({ service: 'users', policy: { ...breakerDefaults, ...policy }, events, clock })
  breakers.push(breaker)
  const call = async (result: Reply | Error, tookMs = 0): Promise<unknown> => {
    const handle = breaker.layer(async () => {
      await clock.advance(tookMs)
      if (result instanceof Error) throw result
      return result
    })
    return handle(callOf({ startedAt: clock.now() })).catch((error: Error) => error)
  }
  return { clock, events, breaker, circuit: breaker.circuit, call }
}

/** What exporters for opossum do: a counter for every event that a circuit knows, and latencies of two of them. */
class Exporter {
  readonly counts: Record<string, number> = {}
  readonly latenciesMs: [event: string, ms: unknown][] = []

  constructor(circuit: BreakerCircuit) {
    for (const event of circuit.eventNames() as 'success'[]) {
      circuit.on(event, () => (this.counts[event] = (this.counts[event] ?? 0) + 1))
      if (event === 'success' || event === 'failure') circuit.on(event, (_, latencyMs) => this.latenciesMs.push([event, latencyMs]))
    }
  }
}

const OK = replyOf()
const FAILED = replyOf({ status: 500 })
const BROKEN = new MeshError('MESH_ERR_CONNECTION', 'broken', { processed: 'maybe' })

describe('the circuit of a breaker', () => {
  it('tells tools for opossum everything by the names that they know, with the time that calls took', async () => {
    const { circuit, call } = scene({ minCalls: 3, openMs: 1_000 })
    const exporter = new Exporter(circuit)
    await call(OK, 7)
    await call(FAILED, 5)
    await call(BROKEN, 3)
    await call(OK)
    vi.advanceTimersByTime(1_000)
    await call(OK, 2)
    expect(exporter.counts).toEqual({ fire: 5, success: 2, failure: 2, open: 1, reject: 1, halfOpen: 1, close: 1 })
    expect(exporter.latenciesMs).toEqual([['success', 7], ['failure', 5], ['failure', 3], ['success', 2]])
    expect(circuit.name).toBe('users')
  })

  it('has the counts of its window in stats, refused calls among them', async () => {
    const { circuit, call } = scene({ minCalls: 3 })
    for (const result of [OK, FAILED, FAILED, OK, OK]) await call(result)
    expect(circuit.stats).toMatchObject({ fires: 5, successes: 1, failures: 2, rejects: 2, fallbacks: 0 })
    expect(circuit.status.stats).toEqual(circuit.stats)
    expect(circuit.toJSON()).toMatchObject({ state: { name: 'users', open: true } })
  })

  it('does not tell of an hour ago when it is read after an hour of silence', async () => {
    const { clock, circuit, call } = scene()
    await call(OK)
    await clock.advance(3_600_000)
    expect(circuit.stats.successes).toBe(0)
    expect(circuit.status.window[0]!.successes).toBe(0)
  })

  it('keeps no list of latencies, however many calls there are', async () => {
    const { circuit, call } = scene()
    for (let i = 0; i < 100; i++) await call(i % 10 === 0 ? FAILED : OK)
    expect((circuit.status.window[0] as unknown as { latencyTimes: number[] }).latencyTimes).toEqual([])
  })

  it('gives listeners the very results and the refusal', async () => {
    const { circuit, call } = scene({ minCalls: 3 })
    const told: unknown[] = []
    circuit.on('success', (reply) => told.push(reply))
    circuit.on('failure', (result) => told.push(result))
    circuit.on('reject', (error) => told.push((error as MeshError).code))
    for (const result of [OK, FAILED, BROKEN, OK]) await call(result)
    expect(told).toEqual([OK, FAILED, BROKEN, 'MESH_ERR_BREAKER_OPEN'])
  })

  it('a listener that throws harms no call and no count, and is told', async () => {
    const { circuit, events, call, breaker } = scene({ minCalls: 2, openMs: 1_000 })
    const told: string[] = []
    events.on('listenerError', ({ event }) => told.push(event))
    for (const event of ['fire', 'success', 'failure', 'open', 'halfOpen', 'close', 'reject'] as const) {
      circuit.on(event, () => {
        throw new Error('broken listener')
      })
    }
    expect(await call(OK)).toBe(OK)
    expect(await call(FAILED)).toBe(FAILED)
    await call(OK)
    vi.advanceTimersByTime(1_000)
    expect(breaker.state).toBe('half-open')
    expect(await call(OK)).toBe(OK)
    expect(breaker.state).toBe('closed')
    expect(new Set(told)).toEqual(new Set(['fire', 'success', 'failure', 'open', 'halfOpen', 'close', 'reject'].map((event) => `breaker ${event}`)))
  })

  it('can be opened and closed by hand', async () => {
    const { circuit, call, breaker } = scene()
    circuit.open()
    expect(await call(OK)).toMatchObject({ code: 'MESH_ERR_BREAKER_OPEN' })
    circuit.close()
    expect(await call(OK)).toBe(OK)
    expect(breaker.state).toBe('closed')
  })

  it('lets everything through uncounted while it is switched off', async () => {
    const { circuit, call } = scene({ minCalls: 1 })
    circuit.disable()
    for (let i = 0; i < 5; i++) expect(await call(FAILED)).toBe(FAILED)
    circuit.enable()
    expect([circuit.stats.fires, circuit.closed]).toEqual([0, true])
    await call(FAILED)
    expect(circuit.opened).toBe(true)
  })
})

/** Opossum as it comes, running the calls itself, with a window that is emptied when it closes, as ours is. */
function plainOpossum(policy: BreakerPolicy) {
  const rotation = new EventEmitter()
  let fails = false
  const circuit = new CircuitBreaker(() => (fails ? Promise.reject(BROKEN) : Promise.resolve(OK)), {
    name: 'plain',
    timeout: false,
    errorThresholdPercentage: policy.failureRatio * 100 - 1e-9,
    volumeThreshold: policy.minCalls,
    resetTimeout: policy.openMs,
    rollingCountTimeout: policy.windowMs,
    rollingCountBuckets: 10,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
    rotateBucketController: rotation,
  })
  circuit.on('close', () => {
    for (let i = 0; i < 10; i++) rotation.emit('rotate')
  })
  const call = async (result: Reply | Error): Promise<void> => {
    fails = result === BROKEN
    await circuit.fire().catch(() => {})
  }
  return { circuit, call }
}

function eventsOf(circuit: Pick<EventEmitter, 'on'>): string[] {
  const told: string[] = []
  for (const event of ['fire', 'success', 'failure', 'reject', 'open', 'halfOpen', 'close']) circuit.on(event, () => told.push(event))
  return told
}

describe('the circuit of a breaker, beside opossum as it comes', () => {
  it('tells the same events in the same order, and has the same counts and state', async () => {
    const step = fc.constantFrom('success', 'failure', 'failure', 'wait')
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), fc.constantFrom(0.25, 0.5, 1), async (steps, minCalls, failureRatio) => {
        const policy = { ...breakerDefaults, minCalls, failureRatio, openMs: 1_000 }
        const [ours, plain] = [scene(policy), plainOpossum(policy)]
        const [told, toldByPlain] = [eventsOf(ours.circuit as never), eventsOf(plain.circuit)]
        for (const next of steps) {
          if (next === 'wait') vi.advanceTimersByTime(1_000)
          else for (const { call } of [ours, plain]) await call(next === 'success' ? OK : BROKEN)
        }
        expect(told).toEqual(toldByPlain)
        const { fires, successes, failures, rejects } = plain.circuit.stats
        expect(ours.circuit.stats).toMatchObject({ fires, successes, failures, rejects })
        expect([ours.circuit.opened, ours.circuit.halfOpen]).toEqual([plain.circuit.opened, plain.circuit.halfOpen])
        plain.circuit.shutdown()
      }),
    )
  })
})
