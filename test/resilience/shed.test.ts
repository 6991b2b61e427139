import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Cancellation } from '../../src/call/cancellation.js'
import type { Inbound, InboundReply } from '../../src/call/inbound.js'
import { PRIORITIES, type Priority } from '../../src/call/priority.js'
import { problemOf, type Refusal } from '../../src/call/refusal.js'
import { Shedder } from '../../src/resilience/shed.js'
import { readShed, shedDefaults, type ShedSettings } from '../../src/resilience/shed-options.js'
import { FakeClock, settled } from '../support/fake-clock.js'

const OK: InboundReply = { status: 200, route: undefined, aborted: false, answer: undefined }

function shedding(settings: Partial<ShedSettings> = {}) {
  const clock = new FakeClock()
  const pressure = { delayMs: 0, utilization: 0 }
  const counts = { critical: 0, normal: 0, low: 0 }
  const shedder = new Shedder({
    settings: { ...shedDefaults, ...settings },
    clock,
    eventLoop: { utilization: () => pressure.utilization },
    loopDelay: { standingMs: () => pressure.delayMs },
    counts,
  })
  const inside: { readonly name: string; end(): void }[] = []
  const handle = shedder.layer((inbound) => new Promise((resolve) => inside.push({ name: inbound.target, end: () => resolve(OK) })))
  /** A request, and how it has ended so far. */
  const arrive = (priority: Priority = 'normal', name: string = priority, deadlineAt = Infinity) => {
    const cancellation = new Cancellation()
    const seen: { refusal?: Refusal; reply?: InboundReply; hangUp(): void } = { hangUp: () => cancellation.cancel(new Error('hung up')) }
    handle({ priority, target: name, deadlineAt, cancellation } as Inbound).then(
      (reply) => (seen.reply = reply),
      (error: Refusal) => (seen.refusal = error),
    )
    return seen
  }
  const arriveAndSee = async (priority: Priority): Promise<boolean> => {
    const seen = arrive(priority)
    await settled()
    return seen.refusal === undefined
  }
  return { clock, pressure, counts, inside, arrive, arriveAndSee, names: () => inside.map(({ name }) => name) }
}

/** Which priorities get in. */
async function getIn(arriveAndSee: (priority: Priority) => Promise<boolean>): Promise<Priority[]> {
  const inside: Priority[] = []
  for (const priority of PRIORITIES) if (await arriveAndSee(priority)) inside.push(priority)
  return inside
}

describe('shedding', () => {
  it.each<[number, Priority[]]>([
    [0, ['critical', 'normal', 'low']],
    [250, ['critical', 'normal', 'low']],
    [251, ['critical', 'normal']],
    [500, ['critical', 'normal']],
    [501, ['critical']],
    [2_000, ['critical']],
    [2_001, []],
  ])('at an event loop that is %i ms late lets in %j by default', async (delayMs, expected) => {
    const { pressure, arriveAndSee } = shedding()
    pressure.delayMs = delayMs
    expect(await getIn(arriveAndSee)).toEqual(expected)
  })

  it('lets fewer and fewer in while the loop is busier than it may be, the low ones first', async () => {
    const { pressure, arriveAndSee, clock } = shedding({ maxUtilization: 0.8 })
    pressure.utilization = 0.81
    const shares = { critical: 0, normal: 0, low: 0 }
    for (let i = 0; i < 6; i++) {
      for (const priority of PRIORITIES) if (await arriveAndSee(priority)) shares[priority]++
      await clock.advance(250)
    }
    expect(shares.critical).toBe(6)
    expect(shares.low).toBeLessThan(shares.normal)
    for (let i = 0; i < 20; i++) {
      await arriveAndSee('normal')
      await clock.advance(250)
    }
    expect(await getIn(arriveAndSee)).toEqual(['critical'])
    pressure.utilization = 0.8
    await clock.advance(10_000)
    expect(await getIn(arriveAndSee)).toEqual(['critical', 'normal', 'low'])
  })

  it('lets in a process that is busy to the brim, unless asked not to', async () => {
    const { pressure, arriveAndSee } = shedding()
    pressure.utilization = 1
    expect(await getIn(arriveAndSee)).toEqual(['critical', 'normal', 'low'])
  })

  it('has room for half as many low ones, and for a quarter more critical ones', async () => {
    const { arrive, inside, counts } = shedding({ maxInFlight: 8 })
    for (let i = 0; i < 6; i++) arrive('low')
    expect(inside).toHaveLength(4)
    for (let i = 0; i < 6; i++) arrive('normal')
    expect(inside).toHaveLength(8)
    for (let i = 0; i < 6; i++) arrive('critical')
    await settled()
    expect(inside).toHaveLength(10)
    expect(counts).toEqual({ low: 2, normal: 2, critical: 4 })
  })

  it('bounds nothing by number unless asked to', async () => {
    const { arrive, inside } = shedding()
    for (let i = 0; i < 3_000; i++) arrive()
    await settled()
    expect(inside).toHaveLength(3_000)
  })

  it('refuses as not processed, says when to come again, and tells the caller no more', async () => {
    const { pressure, arrive } = shedding({ retryAfterSec: 3 })
    pressure.delayMs = 700
    const seen = arrive()
    await settled()
    expect(seen.refusal).toMatchObject({ code: 'MESH_ERR_SHED', status: 503, processed: 'no', message: 'a request of normal priority was shed: the event loop is 700 ms late' })
    expect(problemOf(seen.refusal!)).toMatchObject({ status: 503, headers: { 'retry-after': '3', 'mesh-not-processed': 'shed' } })
    expect(problemOf(seen.refusal!).headers['connection']).toBeUndefined()
  })

  it('lets one that waits in when one has ended, the most important first', async () => {
    const { arrive, inside, names } = shedding({ maxInFlight: 1, maxWaiting: 4 })
    // One that is critical may be inside beside a normal one.
    for (const name of ['critical', 'critical']) arrive(name as Priority)
    arrive('low', 'low 1')
    arrive('normal', 'normal 1')
    arrive('critical', 'critical 1')
    expect(names()).toEqual(['critical', 'critical'])
    for (let i = 0; i < 4; i++) {
      inside[i]!.end()
      await settled()
    }
    expect(names()).toEqual(['critical', 'critical', 'critical 1', 'normal 1', 'low 1'])
  })

  it('refuses what has waited for too long, and what waits in vain for its own caller', async () => {
    const { arrive, clock, inside } = shedding({ maxInFlight: 1, maxWaiting: 4, maxWaitMs: 100 })
    arrive()
    const patient = arrive()
    const hasty = arrive('normal', 'hasty', 40)
    await clock.advance(39)
    expect([patient.refusal, hasty.refusal]).toEqual([undefined, undefined])
    await clock.advance(1)
    expect(hasty.refusal?.message).toContain('it has waited for 40 ms')
    await clock.advance(60)
    expect(patient.refusal?.message).toContain('it has waited for 100 ms')
    expect(clock.pending).toBe(0)
    inside[0]!.end()
    await settled()
    expect(inside).toHaveLength(1)
  })

  it('gives the place of a less important one away when the queue is full', async () => {
    const { arrive, inside, names } = shedding({ maxInFlight: 1, maxWaiting: 2 })
    arrive()
    const [low, normal] = [arrive('low', 'low 1'), arrive('normal', 'normal 1')]
    const another = arrive('low', 'low 2')
    await settled()
    expect([low.refusal, normal.refusal, another.refusal?.code]).toEqual([undefined, undefined, 'MESH_ERR_SHED'])
    const second = arrive('normal', 'normal 2')
    await settled()
    expect([low.refusal?.message, second.refusal]).toEqual([expect.stringContaining('more important ones wait'), undefined])
    inside[0]!.end()
    await settled()
    expect(names()).toEqual(['normal', 'normal 1'])
  })

  it('never refuses one while it lets a less important one in, whatever the pressure', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(3_000), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(12), fc.nat(10), async (delayMs, utilization, alreadyInside, maxInFlight) => {
        const { pressure, arrive, arriveAndSee } = shedding({ maxInFlight, maxUtilization: 0.8 })
        for (let i = 0; i < alreadyInside; i++) arrive('critical')
        Object.assign(pressure, { delayMs, utilization })
        const low = await arriveAndSee('low')
        const normal = await arriveAndSee('normal')
        const critical = await arriveAndSee('critical')
        expect(!low || normal || maxInFlight > 0).toBe(true)
        expect(!normal || critical || maxInFlight > 0).toBe(true)
        if (!critical) expect([low, normal].filter((one) => one).length).toBeLessThanOrEqual(maxInFlight)
      }),
      { numRuns: 60 },
    )
  })

  it('lets go of every request that is over, whatever order they come and go in', async () => {
    const step = fc.record({ does: fc.constantFrom('arrive', 'end', 'wait'), priority: fc.constantFrom(...PRIORITIES) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { arrive, inside, clock } = shedding({ maxInFlight: 2, maxWaiting: 2, maxWaitMs: 50 })
        let ended = 0
        for (const { does, priority } of steps) {
          if (does === 'arrive') arrive(priority)
          else if (does === 'wait') await clock.advance(30)
          else if (ended < inside.length) inside[ended++]!.end()
          for (let i = 0; i < 12; i++) await Promise.resolve()
          expect(inside.length - ended).toBeLessThanOrEqual(3)
        }
        await clock.advance(50)
        while (ended < inside.length) {
          inside[ended++]!.end()
          await settled()
        }
        const before = inside.length
        for (let i = 0; i < 4; i++) arrive('normal')
        // All of the room is there again.
        expect(inside.length - before).toBe(2)
      }),
      { numRuns: 40 },
    )
  })
})

describe('shed options', () => {
  it('are the defaults where nothing is said, and nothing at all for false', () => {
    expect(readShed({ maxInFlight: 100, maxWaiting: undefined }, 'shed')).toEqual({ ...shedDefaults, maxInFlight: 100 })
    expect(readShed(false, 'shed')).toBe(false)
  })

  it.each<[object, string]>([
    [{ maxInflight: 1 }, 'shed.maxInflight: unknown option'],
    [{ maxInFlight: -1 }, 'shed.maxInFlight: expected a whole number of 0 or more, got -1'],
    [{ maxUtilization: 80 }, 'shed.maxUtilization: expected a number from 0.1 to 1, got 80'],
  ])('refuse %j', (options, message) => {
    expect(() => readShed(options, 'shed')).toThrow(message)
  })
})

describe('a caller that hangs up while it waits', () => {
  it('gives its place to others, and is neither served nor counted as refused', async () => {
    const { arrive, inside, names, counts } = shedding({ maxInFlight: 1, maxWaiting: 1 })
    arrive('normal', 'first')
    await settled()
    const waiting = arrive('normal', 'second')
    await settled()
    waiting.hangUp()
    const third = arrive('normal', 'third')
    await settled()
    expect(waiting.reply).toMatchObject({ aborted: true, answer: undefined })
    inside[0]!.end()
    await settled()
    expect(names()).toEqual(['first', 'third'])
    inside[1]!.end()
    await settled()
    expect(third.reply).toEqual(OK)
    expect(counts).toEqual({ critical: 0, normal: 0, low: 0 })
  })
})
