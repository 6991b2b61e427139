import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import type { ThrottlePolicy } from '../../src/call/policy.js'
import type { Reply } from '../../src/call/reply.js'
import { Throttle, throttleDefaults } from '../../src/resilience/throttle.js'
import { callOf, replyOf } from '../support/scripted.js'
import { VirtualClock } from '../support/virtual-clock.js'

/** What a service makes of the calls of one slot: how many of so many it accepts. */
type Service = (sent: number, nowMs: number) => number

interface Second {
  readonly called: number
  readonly sent: number
  readonly accepted: number
}

const SLOT_MS = 100

/** Calls at a steady rate to a service that answers at the end of each slot. */
async function simulate(policy: Partial<ThrottlePolicy>, { perSec, seconds, service }: { readonly perSec: number; readonly seconds: number; readonly service: Service }) {
  const clock = new VirtualClock()
  const random = seededRandom(11)
  const throttle = new Throttle({ service: 'users', policy: { ...throttleDefaults, ...policy }, clock, random: seededRandom(5) })
  let waiting: ((reply: Reply) => void)[] = []
  const handle = throttle.layer(() => new Promise((resolve) => waiting.push(resolve)))
  const history: Second[] = []
  for (let second = 0; second < seconds; second++) {
    const sum = { called: 0, sent: 0, accepted: 0 }
    for (let slot = 0; slot < 1_000 / SLOT_MS; slot++) {
      const called = (perSec * SLOT_MS) / 1_000
      const calls = Array.from({ length: called }, () => handle(callOf()).catch(() => {}))
      const sent = waiting.length
      const accepted = Math.max(0, Math.min(sent, Math.floor(service(sent, clock.now()))))
      // Which ones are accepted is chance.
      for (const [i, resolve] of waiting.sort(() => random() - 0.5).entries()) resolve(replyOf({ status: i < accepted ? 200 : 503 }))
      waiting = []
      await Promise.all(calls)
      clock.runUntil(clock.now() + SLOT_MS)
      sum.called += called
      sum.sent += sent
      sum.accepted += accepted
    }
    history.push(sum)
  }
  return history
}

/** A service that can do so much, and to which refusing is a fifth of the work. */
function working(perSec: number): Service {
  const perSlot = (perSec * SLOT_MS) / 1_000
  return (sent) => (sent <= perSlot ? sent : (perSlot - 0.2 * sent) / 0.8)
}

const share = (history: readonly Second[], of: keyof Second, from: number): number =>
  history.slice(from).reduce((sum, second) => sum + second[of], 0) / history.slice(from).reduce((sum, { called }) => sum + called, 0)

describe('throttling', () => {
  it('at four times what a service can do it keeps the service at its work, where refusing would eat all but a quarter', async () => {
    const load = { perSec: 400, seconds: 25, service: working(100) }
    const accepted = async (requestsPerAccept: number): Promise<number> => 4 * share(await simulate({ requestsPerAccept }, load), 'accepted', 15)
    const [none, two, strict] = [await accepted(0), await accepted(2), await accepted(1.1)]
    process.stdout.write(`throttle: share of the capacity used at 4x: none ${none.toFixed(2)}, K 2 ${two.toFixed(2)}, K 1.1 ${strict.toFixed(2)}\n`)
    expect(none).toBeLessThan(0.3)
    expect(two).toBeGreaterThan(0.75)
    // Stricter is no better: what is refused by chance holds back as much as it saves.
    expect(strict).toBeLessThan(two)
  })

  it('when one of five endpoints refuses it holds nothing back, where a stricter factor would hold back what the others could serve', async () => {
    const load = { perSec: 200, seconds: 20, service: (sent: number) => 0.8 * sent }
    const two = share(await simulate({}, load), 'sent', 10)
    const strict = share(await simulate({ requestsPerAccept: 1.1 }, load), 'sent', 10)
    process.stdout.write(`throttle: sent while a fifth is refused: K 2 ${two.toFixed(2)}, K 1.1 ${strict.toFixed(2)}\n`)
    expect(two).toBe(1)
    expect(strict).toBeLessThan(0.5)
  })

  it('L03 a service that has refused everything for a minute is called in full within 20 s, and by a window of two minutes it is not', async () => {
    const load = { perSec: 100, seconds: 100, service: (sent: number, nowMs: number) => (nowMs < 60_000 ? 0 : sent) }
    const recovery = async (policy: Partial<ThrottlePolicy>): Promise<number> => {
      const history = await simulate(policy, load)
      const at = history.findIndex((second, i) => i >= 60 && second.sent >= 0.99 * second.called)
      return at === -1 ? Infinity : at - 60
    }
    const [ours, ten, long, strict] = [await recovery({}), await recovery({ windowMs: 10_000 }), await recovery({ windowMs: 120_000 }), await recovery({ requestsPerAccept: 1.1 })]
    process.stdout.write(`throttle: seconds until all is sent again: 5 s window ${ours}, 10 s ${ten}, 120 s ${long}, K 1.1 ${strict}\n`)
    expect(ours).toBeLessThanOrEqual(20)
    expect(long).toBe(Infinity)
    expect(strict).toBeGreaterThan(2 * ours)
  })

  it('L01 a service that refuses everything is sent a few calls a second, not all of them', async () => {
    const history = await simulate({}, { perSec: 500, seconds: 20, service: () => 0 })
    expect(share(history, 'sent', 5)).toBeLessThan(0.01)
    expect(history.at(-1)!.sent).toBeGreaterThan(0)
  })
})
