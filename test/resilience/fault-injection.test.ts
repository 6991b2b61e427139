import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import type { Inbound, InboundReply, Peer } from '../../src/call/inbound.js'
import { injectFaults, readFaults, type FaultOptions, type InjectedFault } from '../../src/resilience/fault-injection.js'
import { FakeClock, settled } from '../support/fake-clock.js'

const OK: InboundReply = { status: 200, route: undefined, aborted: false, answer: undefined }

function injected(faults: readonly FaultOptions[]) {
  const clock = new FakeClock()
  const told: InjectedFault[] = []
  let reached = 0
  const handle = injectFaults(faults, { clock, random: seededRandom(1), told: (fault) => told.push(fault) })(async () => (reached++, OK))
  const ask = (headers: Record<string, string> = {}, peer = 'orders'): Promise<InboundReply> =>
    handle({ header: (name) => headers[name], peer: { service: peer } as Peer } as Inbound)
  return { clock, told, ask, reached: () => reached }
}

describe('fault injection', () => {
  it('answers in the place of the application, as if it had failed, and tells of it', async () => {
    const { ask, told, reached } = injected([{ ratio: 1, abort: { status: 503 } }])
    const reply = await ask()
    expect(reply).toMatchObject({ status: 503, answer: { status: 503, headers: { 'content-type': 'application/problem+json' } } })
    expect(reply.answer!.headers).not.toHaveProperty('mesh-not-processed')
    expect(JSON.parse(reply.answer!.body)).toMatchObject({ title: 'Injected fault', status: 503 })
    expect([told, reached()]).toEqual([[{ delayMs: 0, status: 503 }], 0])
  })

  it('holds up, and then has the application answer', async () => {
    const { ask, clock, told, reached } = injected([{ ratio: 1, delayMs: 300 }])
    const asking = ask()
    await clock.advance(299)
    expect([told, reached()]).toEqual([[{ delayMs: 300, status: undefined }], 0])
    await clock.advance(1)
    expect(await asking).toBe(OK)
  })

  it('does both, and several faults one after the other until one answers', async () => {
    const { ask, clock, told, reached } = injected([{ ratio: 1, delayMs: 100 }, { ratio: 1, delayMs: 200, abort: { status: 500 } }, { ratio: 1, abort: { status: 502 } }])
    const asking = ask()
    await clock.advance(300)
    expect((await asking).status).toBe(500)
    expect([told.length, reached()]).toEqual([2, 0])
  })

  it('happens to its share of the requests', async () => {
    const { ask } = injected([{ ratio: 0.2, abort: { status: 500 } }])
    let failed = 0
    for (let i = 0; i < 2_000; i++) if ((await ask()).status === 500) failed++
    expect(failed / 2_000).toBeCloseTo(0.2, 1)
  })

  it('happens only to those that are meant: by peer, by header, by both', async () => {
    const abort = { status: 500 }
    const byBoth = injected([{ ratio: 1, abort, when: { peer: 'orders', header: { 'X-Game-Day': 'yes' } } }])
    expect((await byBoth.ask({ 'x-game-day': 'yes' })).status).toBe(500)
    expect((await byBoth.ask({ 'x-game-day': 'yes' }, 'billing')).status).toBe(200)
    expect((await byBoth.ask({ 'x-game-day': 'no' })).status).toBe(200)
    expect((await byBoth.ask()).status).toBe(200)
    await settled()
    expect(byBoth.told).toHaveLength(1)
  })

  it.each<[unknown, string]>([
    [[{ ratio: 0.5 }], 'faults[0]: expected a delayMs, an abort, or both'],
    [[{ delayMs: 5 }], 'faults[0].ratio: expected a number from 0 to 1, got undefined'],
    [[{ ratio: 2, delayMs: 5 }], 'faults[0].ratio: expected a number from 0 to 1, got 2'],
    [[{ ratio: 1, abort: {} }], 'faults[0].abort.status: expected the status of the answer'],
    [[{ ratio: 1, abort: { status: 200 } }], 'faults[0].abort.status: expected a whole number from 400 to 599, got 200'],
    [{ ratio: 1 }, 'faults: expected a list'],
  ])('refuses %j', (value, message) => {
    expect(() => readFaults(value, 'faults')).toThrow(message)
  })
})
