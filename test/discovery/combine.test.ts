import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { Events } from '../../src/call/events.js'
import { combine, type CombineOptions } from '../../src/discovery/combine.js'
import { fixed } from '../../src/discovery/fixed.js'
import { memory } from '../../src/discovery/memory.js'
import type { RawSnapshot, Registry } from '../../src/discovery/registry.js'
import { createResolver } from '../../src/discovery/resolver.js'
import { FakeClock, settled } from '../support/fake-clock.js'
import { ScriptedRegistry } from './support/scripted-registry.js'

interface Listening {
  /** All that was told, an error by its message. */
  readonly told: (readonly string[] | string)[]
  readonly revisions: number[]
  leave(): Promise<void>
}

let clock = new FakeClock()
const listening: Listening[] = []
afterEach(async () => {
  for (const each of listening.splice(0)) await each.leave()
  clock = new FakeClock()
})

const combined = (registries: Registry[], options?: CombineOptions): Registry => combine(registries, options, clock, () => 0.5)

function listen(registry: Registry): Listening {
  const leaving = new AbortController()
  const told: Listening['told'] = []
  const revisions: number[] = []
  const run = async (): Promise<void> => {
    for await (const word of registry.watch('users', { signal: leaving.signal })) {
      if (word instanceof Error) told.push(word.message)
      else {
        told.push(idsOf(word))
        revisions.push(word.revision)
      }
    }
  }
  const ended = run()
  const listener: Listening = {
    told,
    revisions,
    async leave() {
      leaving.abort()
      await ended
    },
  }
  listening.push(listener)
  return listener
}

function idsOf({ endpoints }: RawSnapshot): readonly string[] {
  return (endpoints as { id: string }[]).map(({ id }) => id)
}

const word = (revision: number, ...endpoints: string[]): object => ({ revision, endpoints })

describe('registries beside each other', () => {
  it('tell the endpoints of all, and again whenever one of them changes', async () => {
    const [a, b] = [memory({ users: ['a:1'] }), memory({ users: ['b:1'] })]
    const { told, revisions } = listen(combined([a, b]))
    await settled()
    a.set('users', ['a:2'])
    await settled()
    expect(told).toEqual([
      ['a:1', 'b:1'],
      ['a:2', 'b:1'],
    ])
    expect(revisions).toEqual([1, 2])
  })

  it('begin when everybody has spoken', async () => {
    const [a, b] = [new ScriptedRegistry(), new ScriptedRegistry()]
    const { told } = listen(combined([a, b]))
    a.tell(word(1, 'a:1'))
    await settled()
    expect(told).toEqual([])
    b.tell(word(1, 'b:1'))
    await settled()
    expect(told).toEqual([['a:1', 'b:1']])
  })

  it('begin without one that has failed, and pass its failures on', async () => {
    const [a, b] = [new ScriptedRegistry(), new ScriptedRegistry()]
    const { told } = listen(combined([a, b]))
    b.tell(word(1, 'b:1'))
    a.fail(new Error('a is down'))
    await settled()
    expect(told).toEqual(['a is down', ['b:1']])
  })

  it('wait no longer than settleMs for one that says nothing, and take its word when it comes', async () => {
    const [a, b] = [new ScriptedRegistry(), new ScriptedRegistry()]
    const { told } = listen(combined([a, b], { settleMs: 300 }))
    await clock.advance(10_000)
    b.tell(word(1, 'b:1'))
    await clock.advance(299)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told).toEqual([['b:1']])
    a.tell(word(1, 'a:1'))
    await settled()
    expect(told.at(-1)).toEqual(['a:1', 'b:1'])
  })

  it('begin one that failed again, and keep its last word meanwhile', async () => {
    const [a, b] = [new ScriptedRegistry(), new ScriptedRegistry()]
    const { told } = listen(combined([a, b]))
    a.tell(word(7, 'a:1'))
    b.tell(word(1, 'b:1'))
    await settled()
    a.fail(new Error('a is down'))
    b.tell(word(2, 'b:2'))
    await settled()
    expect(told.slice(1)).toEqual(['a is down', ['a:1', 'b:2']])
    a.tell(word(3, 'a:2'))
    await clock.advance(200)
    expect(told.at(-1)).toEqual(['a:2', 'b:2'])
    expect(a.watches).toBe(2)
  })

  it('R01 keep the last word of one that is down even if the watch begins anew', async () => {
    const [a, b] = [new ScriptedRegistry(), new ScriptedRegistry()]
    const registry = combined([a, b])
    a.tell(word(1, 'a:1'))
    b.tell(word(1, 'b:1'))
    const first = listen(registry)
    await settled()
    expect(first.told).toEqual([['a:1', 'b:1']])
    await first.leave()
    a.fail(new Error('a is down'))
    b.tell(word(1, 'b:2'))
    const second = listen(registry)
    await settled()
    expect(second.told).toEqual(['a is down', ['a:1', 'b:2']])
  })

  it('R04 go by the last good word of one that talks nonsense', async () => {
    const [a, b] = [new ScriptedRegistry(), new ScriptedRegistry()]
    const { told } = listen(combined([a, b]))
    a.tell(word(1, 'a:1'), { revision: 2, endpoints: null })
    b.tell(word(1, 'b:1'))
    await settled()
    expect(told).toHaveLength(2)
    expect(told).toContainEqual(expect.stringContaining('endpoints: expected a list, got null'))
    expect(told).toContainEqual(['a:1', 'b:1'])
  })

  it('R08 notice one that has fallen silent, and ask it anew', async () => {
    const [a, b] = [new ScriptedRegistry(), new ScriptedRegistry()]
    listen(combined([a, b]))
    a.tell(word(1, 'a:1'))
    for (let i = 1; i <= 6; i++) {
      b.tell(word(i, 'b:1'))
      await clock.advance(10_000)
    }
    expect([a.watches, b.watches]).toEqual([2, 1])
  })

  it('R09 ignore an older revision after a newer one', async () => {
    const a = new ScriptedRegistry()
    const { told } = listen(combined([a]))
    a.tell(word(2, 'a:2'), word(1, 'a:1'))
    await settled()
    expect(told).toEqual([['a:2']])
  })

  it('stand beside others of their kind', async () => {
    const registry = combined([
      fixed({ users: [{ id: 'u1', host: 'a', port: 1 }] }),
      fixed({ users: [{ id: 'u1', host: 'b', port: 1 }] }),
    ])
    const { told } = listen(registry)
    await settled()
    expect(registry.name).toBe('fixed+fixed-2')
    expect(told).toEqual([['u1', 'fixed-2/u1']])
  })

  it('tell the union of last words in the end, in whatever order they came, and never an older revision', async () => {
    const step = fc.record({
      who: fc.integer({ min: 0, max: 2 }),
      ports: fc.uniqueArray(fc.integer({ min: 1, max: 4 })),
      fails: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const scripted = [new ScriptedRegistry(), new ScriptedRegistry(), new ScriptedRegistry()]
        const last: (readonly number[] | undefined)[] = [undefined, undefined, undefined]
        const listener = listen(combined(scripted))
        for (const [i, { who, ports, fails }] of steps.entries()) {
          if (fails) scripted[who]!.fail(new Error('down'))
          else scripted[who]!.tell(word(i, ...(last[who] = ports).map((port) => `h:${port}`)))
        }
        await clock.advance(60_000)
        const pictures = listener.told.filter((told) => typeof told !== 'string')
        if (last.every((ports) => ports === undefined)) expect(pictures).toEqual([])
        else
          expect([...pictures.at(-1)!].sort()).toEqual(
            [...new Set(last.flatMap((ports) => ports ?? []))].sort().map((port) => `h:${port}`),
          )
        expect(listener.revisions).toEqual(listener.revisions.map((_, i) => i + 1))
        await listener.leave()
        expect(scripted.map(({ running }) => running)).toEqual([0, 0, 0])
      }),
      { numRuns: 50 },
    )
  })
})

describe('a registry as fallback', () => {
  it('stands in while the first one has no endpoints, and stands back when it has', async () => {
    const [a, b] = [memory({ users: ['a:1'] }), memory({ users: ['b:1'] })]
    const { told } = listen(combined([a, b], { mode: 'fallback' }))
    await settled()
    a.set('users', [])
    await settled()
    a.set('users', ['a:2'])
    await settled()
    expect(told).toEqual([['a:1'], ['b:1'], ['a:2']])
  })

  it('is not waited for', async () => {
    const [a, b] = [memory({ users: ['a:1'] }), new ScriptedRegistry()]
    const { told } = listen(combined([a, b], { mode: 'fallback' }))
    await settled()
    expect(told).toEqual([['a:1']])
  })

  it('does not come before the first one has had its time', async () => {
    const [a, b] = [new ScriptedRegistry(), memory({ users: ['b:1'] })]
    const { told } = listen(combined([a, b], { mode: 'fallback' }))
    await settled()
    expect(told).toEqual([])
    a.tell(word(1, 'a:1'))
    await settled()
    expect(told).toEqual([['a:1']])
  })

  it('serves at once when the first one is down', async () => {
    const [a, b] = [new ScriptedRegistry(), memory({ users: ['b:1'] })]
    a.fail(new Error('a is down'))
    const { told } = listen(combined([a, b], { mode: 'fallback' }))
    await settled()
    expect(told).toEqual(['a is down', ['b:1']])
  })

  it('R01 does not replace one that fails after it has spoken', async () => {
    const [a, b] = [new ScriptedRegistry(), memory({ users: ['b:1'] })]
    a.tell(word(1, 'a:1'))
    const { told } = listen(combined([a, b], { mode: 'fallback' }))
    await settled()
    a.fail(new Error('a is down'))
    b.set('users', ['b:2'])
    await clock.advance(1)
    expect(told).toEqual([['a:1'], 'a is down', ['a:1']])
  })
})

describe('combined registries', () => {
  it('take instances into the first one, and tell how long it takes to be heard there', async () => {
    const first = Object.assign(memory(), { propagationMs: 1_234 })
    const second = memory()
    const registry = combined([first, second])
    const instance = {
      service: 'users',
      id: 'u1',
      host: 'a',
      port: 1,
      weight: 1,
      zone: undefined,
      region: undefined,
      metadata: {},
    }
    const { deregister } = await registry.register(instance, { signal: new AbortController().signal })
    const { told } = listen(first)
    const elsewhere = listen(second)
    await settled()
    expect([told, elsewhere.told]).toEqual([[['u1']], [[]]])
    await deregister()
    await settled()
    expect(told.at(-1)).toEqual([])
    expect(registry.propagationMs).toBe(1_234)
  })

  it('are believed at once only if each of them is', () => {
    expect(combined([fixed({}), fixed({})]).authoritative).toBe(true)
    expect(combined([fixed({}), new ScriptedRegistry()]).authoritative).toBe(false)
  })

  it('reach the mesh as one: endpoints, policy, refusals and failures', async () => {
    const a = new ScriptedRegistry()
    const events = new Events()
    const failures: string[] = []
    events.on('registryError', ({ error }) => failures.push(error.message))
    const registry = combined([a, fixed({ users: { endpoints: ['b:1'], policy: { timeoutMs: 5 } } })])
    const resolver = createResolver({ registry, service: 'users', clock, random: () => 0.5, events })
    a.tell(word(1, 'a:1', 'a:0'))
    await settled()
    expect(resolver.current).toMatchObject({
      policy: { timeoutMs: 5 },
      refused: [expect.stringMatching(/^scripted: endpoints\[1\]/)],
    })
    expect(resolver.current?.endpoints.map(({ id }) => id)).toEqual(['a:1', 'b:1'])
    a.fail(new Error('a is down'))
    await settled()
    expect(failures).toEqual(['a is down'])
    await resolver.close()
    expect(a.running).toBe(0)
  })

  it.each<[string, unknown, unknown]>([
    ['combine.registries: expected at least one registry', [], undefined],
    ['combine.registries: expected a list', fixed({}), undefined],
    ['combine.registries[1]: expected a registry', [fixed({}), 'consul'], undefined],
    ['combine.mode: expected one of', [fixed({})], { mode: 'first' }],
    ['combine.settleMs: expected', [fixed({})], { settleMs: -1 }],
    ['combine.weights: unknown option', [fixed({})], { weights: [1] }],
  ])('say %s', (message, registries, options) => {
    expect(() => combine(registries as Registry[], options as CombineOptions)).toThrow(
      expect.objectContaining({ code: 'MESH_ERR_OPTION', message: expect.stringContaining(message) }),
    )
  })
})
