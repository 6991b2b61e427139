import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WaitQueue } from '../../src/resilience/wait-queue.js'

describe('wait queue', () => {
  it('serves in the order in which they came, however long the queue stands, while they have time', () => {
    const queue = new WaitQueue<string>()
    for (const name of ['a', 'b', 'c']) queue.add(name, 0, 1_000)
    expect([queue.take(50), queue.take(499), queue.take(500), queue.take(500)]).toEqual(['a', 'b', 'c', undefined])
  })

  it('serves the newest first when the oldest has waited for half of its time, and in order again when that one has gone', () => {
    const queue = new WaitQueue<string>()
    const place = queue.add('a', 0, 1_000)
    for (const name of ['b', 'c', 'd', 'e']) queue.add(name, 300, 1_000)
    expect([queue.take(501), queue.take(502), queue.oldest?.item]).toEqual(['e', 'd', 'a'])
    queue.leave(place)
    expect([queue.take(503), queue.take(801)]).toEqual(['b', 'c'])
  })

  it('is in order for those who have all the time in the world', () => {
    const queue = new WaitQueue<string>()
    for (const name of ['a', 'b']) queue.add(name, 0, Infinity)
    expect(queue.take(1e9)).toBe('a')
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
          if (doing.does === 'add') places.set(i, queue.add(i, nowMs, 200))
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
