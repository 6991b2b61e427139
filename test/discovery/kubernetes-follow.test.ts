import { describe, expect, it } from 'vitest'
import type { SliceList, SlicesApi } from '../../src/discovery/kubernetes-api.js'
import type { WatchEvent } from '../../src/discovery/kubernetes-event.js'
import { followSlices } from '../../src/discovery/kubernetes-follow.js'
import { SlicePicture } from '../../src/discovery/kubernetes-picture.js'
import { FakeClock, settled } from '../support/fake-clock.js'
import { usersSlice } from '../support/kubernetes-api/slice.js'

type Watch = readonly (WatchEvent | Error)[]

/** An API that gives these lists and watches, one after the other, and then nothing more; it notes what it was asked. */
class ScriptedApi implements SlicesApi {
  readonly asked: string[] = []
  readonly watchedForMs: number[] = []

  constructor(
    readonly lists: (SliceList | Error)[],
    readonly watches: Watch[],
  ) {}

  async list(signal: AbortSignal): Promise<SliceList> {
    signal.throwIfAborted()
    this.asked.push('list')
    const next = this.lists.shift() ?? new Error('no more lists')
    if (next instanceof Error) throw next
    return next
  }

  async *watch(version: string, forMs: number, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    this.asked.push(`watch ${version}`)
    this.watchedForMs.push(forMs)
    const events = this.watches.shift()
    if (events === undefined) await new Promise((resolve) => signal.addEventListener('abort', resolve))
    for (const event of events ?? []) {
      if (event instanceof Error) throw event
      yield event
    }
  }
}

const list = (version: string, ...names: string[]): SliceList => ({ version, objects: names.map((name) => usersSlice(name, [])) })
const added = (version: string, name: string): WatchEvent => ({ type: 'ADDED', version, name, object: usersSlice(name, []) })
const bookmark = (version: string): WatchEvent => ({ type: 'BOOKMARK', version })
const gone: WatchEvent = { type: 'GONE' }

function begin(api: SlicesApi, random = () => 0) {
  const clock = new FakeClock()
  const leaving = new AbortController()
  const picture = new SlicePicture(undefined)
  const context = { watchMs: 45_000, clock, random, signal: leaving.signal }
  const ended = followSlices(picture, api, context).catch((error: Error) => error)
  return { clock, picture, ended, leave: () => leaving.abort() }
}

describe('following slices', () => {
  it('lists, watches from the version of the list, and on from the last event or bookmark', async () => {
    const api = new ScriptedApi([list('5')], [[added('6', 'a'), added('8', 'b')], [added('9', 'c'), bookmark('12')], []])
    const { clock, ended, leave } = begin(api)
    await clock.advance(10_000)
    expect(api.asked).toEqual(['list', 'watch 5', 'watch 8', 'watch 12', 'watch 12'])
    leave()
    expect(await ended).toBeUndefined()
  })

  it('R07 lists again as soon as the version it had come to is gone', async () => {
    const api = new ScriptedApi([list('5'), list('90')], [[added('6', 'a')], [gone], [added('91', 'b')]])
    const { clock, leave } = begin(api)
    await clock.advance(10_000)
    expect(api.asked).toEqual(['list', 'watch 5', 'watch 6', 'list', 'watch 90', 'watch 91'])
    leave()
  })

  it('R07 lists again when the version goes while it is being watched from', async () => {
    const api = new ScriptedApi([list('5'), list('90')], [[added('6', 'a'), gone]])
    const { clock, leave } = begin(api)
    await clock.advance(10_000)
    expect(api.asked).toEqual(['list', 'watch 5', 'list', 'watch 90'])
    leave()
  })

  it('fails when the version just listed is gone, rather than list for ever', async () => {
    const api = new ScriptedApi([list('5'), list('5')], [[gone]])
    const { ended } = begin(api)
    expect(await ended).toMatchObject({ code: 'MESH_ERR_REGISTRY', message: expect.stringContaining('listed itself: 5') })
    expect(api.asked).toEqual(['list', 'watch 5'])
  })

  it('fails with the list and with the watch', async () => {
    const down = new Error('down')
    expect(await begin(new ScriptedApi([down], [])).ended).toBe(down)
    const api = new ScriptedApi([list('5')], [[added('6', 'a'), down]])
    const { picture, ended } = begin(api)
    expect(await ended).toBe(down)
    expect(picture.tell()).toMatchObject([{ revision: 2 }])
  })

  it('takes a bookmark, and a watch that ended as agreed, for proof of life', async () => {
    const api = new ScriptedApi([list('5')], [[bookmark('6')], []])
    const { clock, picture, leave } = begin(api)
    const signal = new AbortController().signal
    for (const passes of [0, 1_000]) {
      await clock.advance(passes)
      await picture.news(signal)
      expect(picture.tell()).toMatchObject([{ revision: 1 }])
    }
    leave()
  })

  it('begins a watch a second after the one before at the earliest, however fast they end', async () => {
    const api = new ScriptedApi([list('5')], Array.from({ length: 9 }, () => []))
    const { clock, leave } = begin(api)
    await clock.advance(999)
    expect(api.asked).toHaveLength(2)
    await clock.advance(2_001)
    expect(api.asked).toHaveLength(5)
    leave()
    await settled()
    expect(clock.pending).toBe(0)
  })

  it('asks for watches of different lengths, so that many clients do not stay in step', async () => {
    const draws = [0, 0.5, 0.999]
    const api = new ScriptedApi([list('5')], [[], []])
    const { clock, leave } = begin(api, () => draws.shift()!)
    await clock.advance(10_000)
    expect(api.watchedForMs.map(Math.round)).toEqual([45_000, 39_375, 33_761])
    leave()
  })
})
