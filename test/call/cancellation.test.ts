import { describe, expect, it } from 'vitest'
import { Cancellation } from '../../src/call/cancellation.js'

const reason = new Error('nobody waits')

describe('cancellation', () => {
  it('tells every listener once, in the order in which they came', () => {
    const cancellation = new Cancellation()
    const told: string[] = []
    for (const name of ['a', 'b', 'c']) cancellation.subscribe(() => told.push(name))
    cancellation.cancel(reason)
    cancellation.cancel(new Error('again'))
    expect(told).toEqual(['a', 'b', 'c'])
    expect(cancellation.reason).toBe(reason)
  })

  it('tells a listener that comes late at once', () => {
    const cancellation = new Cancellation()
    cancellation.cancel(reason)
    let told: Error | undefined
    cancellation.subscribe((why) => (told = why))
    expect(told).toBe(reason)
  })

  it.each([0, 1, 2])('does not tell listener %i of three after it has left', (leaver) => {
    const cancellation = new Cancellation()
    const told: number[] = []
    const listeners = [0, 1, 2].map((i) => () => void told.push(i))
    for (const listener of listeners) cancellation.subscribe(listener)
    cancellation.unsubscribe(listeners[leaver]!)
    cancellation.cancel(reason)
    expect(told).toEqual([0, 1, 2].filter((i) => i !== leaver))
  })

  it.each([0, 1])('does not tell a listener that listener %i of three has just taken out', (remover) => {
    const cancellation = new Cancellation()
    let told = 0
    const last = (): void => void told++
    for (let i = 0; i < 2; i++) cancellation.subscribe(() => i === remover && cancellation.unsubscribe(last))
    cancellation.subscribe(last)
    cancellation.cancel(reason)
    expect(told).toBe(0)
  })

  it('ends a race with its reason, and leaves a settled one alone', async () => {
    const cancellation = new Cancellation()
    await expect(cancellation.race(Promise.resolve(1))).resolves.toBe(1)
    const race = cancellation.race(new Promise(() => {}))
    cancellation.cancel(reason)
    await expect(race).rejects.toBe(reason)
    expect(() => cancellation.throwIfCancelled()).toThrow(reason)
  })
})
