import { AsyncLocalStorage } from 'node:async_hooks'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Places, type Guest } from '../../src/transport/places.js'

function guests(): { begun: string[]; guest(name: string): Guest } {
  const begun: string[] = []
  return { begun, guest: (name) => ({ begin: () => void begun.push(name) }) }
}

describe('places', () => {
  it('are taken at once while there are any, then waited for, and then there are none', async () => {
    const { begun, guest } = guests()
    const places = new Places(2, 1)
    expect(['a', 'b', 'c', 'd'].map((name) => places.enter(guest(name)))).toEqual([true, true, true, false])
    expect(begun).toEqual(['a', 'b'])
    places.leave()
    await nextTurn()
    expect(begun).toEqual(['a', 'b', 'c'])
    expect(places.enter(guest('e'))).toBe(true)
  })

  it('are not given away in the middle of the leaving', () => {
    const { begun, guest } = guests()
    const places = new Places(1, 1)
    places.enter(guest('a'))
    places.enter(guest('b'))
    places.leave()
    expect(begun).toEqual(['a'])
  })

  it('are not kept for one who has given up', async () => {
    const { begun, guest } = guests()
    const places = new Places(1, 2)
    const impatient = guest('b')
    const first = guest('a')
    for (const each of [first, impatient, guest('c')]) places.enter(each)
    expect([places.giveUp(impatient), places.giveUp(impatient), places.giveUp(first)]).toEqual([true, false, false])
    places.leave()
    await nextTurn()
    expect(begun).toEqual(['a', 'c'])
  })

  it('are taken in the asynchronous context of the one who waited', async () => {
    const storage = new AsyncLocalStorage<string>()
    const seen: (string | undefined)[] = []
    const guest = { begin: () => void seen.push(storage.getStore()) }
    const places = new Places(1, 1)
    storage.run('first', () => places.enter({ begin: () => {} }))
    storage.run('second', () => places.enter(guest))
    storage.run('somebody else', () => places.leave())
    await nextTurn()
    expect(seen).toEqual(['second'])
  })

  it('are never more than there are, nor is the queue, and whoever waits has his turn in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 4 }), fc.array(fc.boolean(), { maxLength: 60 }), async (max, maxWaiting, steps) => {
        const places = new Places(max, maxWaiting)
        const entered: number[] = []
        const begun: number[] = []
        let left = 0
        for (const [i, isArrival] of steps.entries()) {
          if (isArrival) {
            const waiting = entered.length - begun.length
            const isLetIn = places.enter({ begin: () => void begun.push(i) })
            expect(isLetIn).toBe(begun.length - left < max || waiting < maxWaiting || begun.at(-1) === i)
            if (isLetIn) entered.push(i)
          } else if (begun.length > left) {
            left++
            places.leave()
            await Promise.resolve()
          }
          expect(begun.length - left).toBeLessThanOrEqual(max)
          expect(entered.length - begun.length).toBeLessThanOrEqual(maxWaiting)
          expect(begun).toEqual(entered.slice(0, begun.length))
        }
      }),
      { seed: 1 },
    )
  })
})
