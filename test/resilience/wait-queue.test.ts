import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WaitQueue } from '../../src/resilience/wait-queue.js'

describe('wait queue', () => {
  it('serves a burst in the order in which it came', () => {
    const queue = new WaitQueue<string>()
    for (const name of ['a', 'b', 'c']) queue.add(name, 0)
    expect([queue.take(50), queue.take(90), queue.take(100), queue.take(100)]).toEqual(['a', 'b', 'c', undefined])
  })

  it('serves the newest first when it has stood for a while, and the burst after it in order again', () => {
    const queue = new WaitQueue<string>()
    for (const name of ['a', 'b', 'c']) queue.add(name, 0)
    expect([queue.take(101), queue.take(102), queue.oldest?.item, queue.take(103)]).toEqual(['c', 'b', 'a', 'a'])
    for (const name of ['d', 'e']) queue.add(name, 200)
    expect([queue.take(210), queue.take(220)]).toEqual(['d', 'e'])
  })

  it('knows who waits, whoever leaves, and loses nobody', () => {
    const step = fc.oneof(
      fc.record({ does: fc.constant('add' as const), after: fc.nat(60) }),
      fc.record({ does: fc.constant('take' as const), after: fc.nat(60) }),
      fc.record({ does: fc.constant('leave' as const), after: fc.nat(60), which: fc.nat() }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const queue = new WaitQueue<number>()
        const places = new Map<number, ReturnType<typeof queue.add>>()
        let nowMs = 0
        for (const [i, doing] of steps.entries()) {
          nowMs += doing.after
          if (doing.does === 'add') places.set(i, queue.add(i, nowMs))
          else if (doing.does === 'take') {
            const taken = queue.take(nowMs)
            expect(taken === undefined).toBe(places.size === 0)
            if (taken !== undefined) {
              // At one end of the queue: the oldest or the newest.
              expect([[...places.keys()][0], [...places.keys()].at(-1)]).toContain(taken)
              queue.leave(places.get(taken)!)
              places.delete(taken)
            }
          } else {
            const leaver = [...places.keys()][doing.which % Math.max(1, places.size)]
            if (leaver === undefined) continue
            queue.leave(places.get(leaver)!)
            queue.leave(places.get(leaver)!)
            places.delete(leaver)
          }
          expect(queue.size).toBe(places.size)
          expect(queue.oldest?.item).toBe([...places.keys()][0])
        }
      }),
    )
  })
})
