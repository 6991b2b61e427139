import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Attempt } from '../../src/call/call.js'
import type { Handler } from '../../src/call/layer.js'
import type { Reply } from '../../src/call/reply.js'
import { seededRandom } from '../../src/base/random.js'
import type { ServiceOptions } from '../../src/index.js'
import { NAIVE, PATIENCE } from '../support/naive-policy.js'
import { endpointOf, replyOf } from '../support/scripted.js'
import { simulatedCaller } from '../support/simulated-caller.js'
import { VirtualClock } from '../support/virtual-clock.js'

const SERVERS = 4
const SLOTS = 4
const WORK_MS = 40
const CLIENTS = 4
/** Of all of them together; the servers can do 400. */
const PER_SEC = 0.7 * ((SERVERS * SLOTS * 1_000) / WORK_MS)
const STALL_FROM_MS = 10_000
const CURED_AT_MS = 20_000
const LASTS_MS = 60_000
const STEP_MS = 2

interface Second {
  readonly calls: number
  readonly ok: number
  readonly attempts: number
}

/** The calls that began in each second, those of them that succeeded, and the attempts that arrived. */
type History = readonly Second[]

/**
 * A server that knows nothing of its callers: first come, first served, as many as come may wait, and what nobody waits for any more is
 * worked on as well.
 */
class BlindServer {
  readonly #clock: VirtualClock
  readonly #isStalled: () => boolean
  readonly #waiting: (() => void)[] = []
  #busy = 0

  constructor(clock: VirtualClock, isStalled: () => boolean) {
    this.#clock = clock
    this.#isStalled = isStalled
  }

  readonly handle: Handler<Attempt> = ({ endpoint, cancellation }) =>
    new Promise<Reply>((resolve, reject) => {
      cancellation.subscribe(reject)
      this.#waiting.push(() => resolve(replyOf({ endpoint })))
      this.work()
    })

  /** Begins whatever there is a slot for. */
  work(): void {
    while (!this.#isStalled() && this.#busy < SLOTS) {
      const answer = this.#waiting.shift()
      if (answer === undefined) return
      this.#busy++
      this.#clock.after(WORK_MS, () => {
        this.#busy--
        answer()
        this.work()
      })
    }
  }
}

/** Calls by the Poisson process of each client, whatever becomes of the calls before. For 10 s no server does anything. */
async function simulate(users: ServiceOptions): Promise<History> {
  const clock = new VirtualClock()
  const isStalled = (): boolean => clock.now() >= STALL_FROM_MS && clock.now() < CURED_AT_MS
  const endpoints = Array.from({ length: SERVERS }, (_, i) => endpointOf(`users-${i}`))
  const servers = new Map(endpoints.map(({ id }) => [id, new BlindServer(clock, isStalled)]))
  const history = Array.from({ length: LASTS_MS / 1_000 }, () => ({ calls: 0, ok: 0, attempts: 0 }))
  const second = (): (typeof history)[number] => history[Math.min(history.length - 1, Math.floor(clock.now() / 1_000))]!
  const network: Handler<Attempt> = (attempt) => {
    second().attempts++
    return servers.get(attempt.endpoint.id)!.handle(attempt)
  }
  clock.after(CURED_AT_MS, () => {
    for (const server of servers.values()) server.work()
  })
  const callers = Array.from({ length: CLIENTS }, (_, i) => simulatedCaller({ clock, seed: 100 + i, endpoints, users, network }))
  const random = seededRandom(7)
  for (const caller of callers) {
    const arrive = (): void => {
      if (clock.now() >= LASTS_MS) return
      const began = second()
      began.calls++
      void caller.call().then((ok) => void (began.ok += Number(ok)))
      clock.after((-Math.log(1 - random()) * 1_000 * CLIENTS) / PER_SEC, arrive)
    }
    clock.after(0, arrive)
  }
  // The breaker's timer is not the clock's, so that both are moved on together; and then what was promised happens.
  for (const endMs = LASTS_MS + PATIENCE.timeoutMs; clock.now() < endMs; ) {
    clock.runUntil(clock.now() + STEP_MS)
    vi.advanceTimersByTime(STEP_MS)
    await nextTurn()
  }
  await Promise.all(callers.map((caller) => caller.close()))
  return history
}

function ratio(history: History, fromMs: number, untilMs: number): number {
  const seconds = history.slice(fromMs / 1_000, untilMs / 1_000)
  return seconds.reduce((sum, { ok }) => sum + ok, 0) / seconds.reduce((sum, { calls }) => sum + calls, 0)
}

/** Seconds after the cure from which on nearly every call succeeds, to the end. */
function recoveredAfterSec(history: History): number {
  const bad = history.findLastIndex(({ calls, ok }) => ok < 0.99 * calls)
  return bad === history.length - 1 ? Infinity : Math.max(0, bad + 1 - CURED_AT_MS / 1_000)
}

function show(name: string, history: History): void {
  const attemptsPerSec = (fromMs: number, untilMs: number): number =>
    history.slice(fromMs / 1_000, untilMs / 1_000).reduce((sum, { attempts }) => sum + attempts, 0) / ((untilMs - fromMs) / 1_000)
  const percent = (fromMs: number, untilMs: number): string => `${(100 * ratio(history, fromMs, untilMs)).toFixed(1)} %`
  process.stdout.write(
    `L03 ${name}: success before ${percent(1_000, STALL_FROM_MS)}, in the last 20 s ${percent(LASTS_MS - 20_000, LASTS_MS)}, ` +
      `99 % from ${recoveredAfterSec(history)} s after the cure on; attempts a second before ${attemptsPerSec(0, STALL_FROM_MS).toFixed(0)}, ` +
      `stalled ${attemptsPerSec(STALL_FROM_MS, CURED_AT_MS).toFixed(0)}, in the last 20 s ${attemptsPerSec(LASTS_MS - 20_000, LASTS_MS).toFixed(0)}\n`,
  )
}

describe('a service at 70 % of what it can do that does nothing for 10 s', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'] }))
  afterEach(() => void vi.useRealTimers())

  it('L03 stays down for good after the cure when each failure is tried three times, and is well within 30 s with what a mesh does by default', async () => {
    const naive = await simulate(NAIVE)
    show('naive', naive)
    const ours = await simulate(PATIENCE)
    show('ours', ours)
    for (const history of [naive, ours]) expect(ratio(history, 0, STALL_FROM_MS - PATIENCE.timeoutMs)).toBeGreaterThanOrEqual(0.99)
    expect(ratio(naive, LASTS_MS - 20_000, LASTS_MS)).toBeLessThan(0.05)
    expect(recoveredAfterSec(ours)).toBeLessThanOrEqual(30)
  })
})
