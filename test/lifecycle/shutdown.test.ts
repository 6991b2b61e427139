import { describe, expect, it } from 'vitest'
import type { Registrar } from '../../src/discovery/registrar.js'
import type { Inbound, InboundReply } from '../../src/call/inbound.js'
import type { AttachedServer } from '../../src/lifecycle/attached-server.js'
import { Shutdown } from '../../src/lifecycle/shutdown.js'
import { Drain } from '../../src/resilience/drain.js'
import { FakeClock } from '../support/fake-clock.js'

interface SceneOptions {
  readonly registered?: boolean
  readonly propagationMs?: number
  readonly deregister?: () => Promise<void>
  readonly serverStops?: Promise<void>
  readonly close?: () => Promise<void>
}

interface Scene {
  readonly clock: FakeClock
  readonly drain: Drain
  readonly shutdown: Shutdown
  /** What happened, each with the millisecond in which it did. */
  readonly log: string[]
  /** A request that stays inside until its promise is fulfilled. */
  arrive(): { readonly refused: Promise<unknown>; leave(): void }
}

function sceneOf({ registered = true, propagationMs = 0, ...done }: SceneOptions = {}): Scene {
  const clock = new FakeClock()
  const drain = new Drain()
  const log: string[] = []
  const note = (what: string): void => void log.push(`${clock.now()} ${what}`)
  const registrar: Registrar = {
    instances: registered ? ['users-1'] : [],
    register: async () => {},
    deregister: async () => (note('deregister'), done.deregister?.()),
  }
  const server = {
    leave: () => note('goodbye'),
    stop: async () => (note('stop'), await done.serverStops, note('stopped')),
    cut: () => note('cut'),
  } as unknown as AttachedServer
  const close = async (): Promise<void> => (note('close'), done.close?.())
  void drain.begun.then(() => note('refuse'))
  return {
    clock,
    drain,
    log,
    shutdown: new Shutdown({ clock, registrar, propagationMs, drain, servers: [server], close }),
    arrive() {
      let leave!: () => void
      const inside = new Promise<InboundReply>((resolve) => (leave = () => resolve({} as InboundReply)))
      return { refused: drain.layer(() => inside)({} as Inbound), leave }
    },
  }
}

const never = new Promise<never>(() => {})

describe('shutdown', () => {
  it('says goodbye, leaves the registry, serves on for 5 s, refuses and stops, and closes when the last request has ended', async () => {
    const { clock, shutdown, log, arrive } = sceneOf()
    const request = arrive()
    const finished = shutdown.finish({})
    expect([shutdown.begun, log]).toEqual([true, ['0 goodbye', '0 deregister']])
    await clock.advance(4_999)
    const late = arrive()
    await clock.advance(1_001)
    expect(log.slice(2)).toEqual(['5000 refuse', '5000 stop', '5000 stopped'])
    await expect(arrive().refused).rejects.toMatchObject({ code: 'MESH_ERR_DRAINING' })
    request.leave()
    await clock.advance(1_000)
    expect(log.at(-1)).toBe('5000 stopped')
    late.leave()
    await finished
    expect(log.at(-1)).toBe('7000 close')
    expect(clock.pending).toBe(0)
  })

  it('does not wait for callers who cannot have heard of it: an instance that never registered', async () => {
    const { clock, shutdown, log } = sceneOf({ registered: false })
    const finished = shutdown.finish({})
    await clock.advance(0)
    await finished
    expect(log).toEqual(['0 goodbye', '0 deregister', '0 refuse', '0 stop', '0 stopped', '0 close'])
    expect(clock.pending).toBe(0)
  })

  it('waits as long as it is told to, registered or not', async () => {
    const { clock, shutdown, log } = sceneOf({ registered: false })
    const left = shutdown.leave({ drainDelayMs: 300 })
    await clock.advance(300)
    await left
    expect(log.at(-1)).toBe('300 refuse')
  })

  it('serves on for as long as the registry needs, and leaves time to finish after it', async () => {
    const { clock, shutdown, log, arrive } = sceneOf({ propagationMs: 33_000 })
    arrive()
    const finished = shutdown.finish({})
    await clock.advance(43_000)
    await finished
    expect(log.slice(2)).toEqual(['33000 refuse', '33000 stop', '33000 stopped', '43000 cut', '43000 close'])
  })

  it('serves on for at most half of a time that is given, so that requests can end in the other half', async () => {
    const { clock, shutdown, log, arrive } = sceneOf()
    arrive()
    const finished = shutdown.finish({ drainTimeoutMs: 4_000 })
    await clock.advance(4_000)
    await finished
    expect(log.slice(2)).toEqual(['2000 refuse', '2000 stop', '2000 stopped', '4000 cut', '4000 close'])
  })

  it('D05 a registry that does not answer takes nothing away from the time to serve on, and the connections hear first', async () => {
    const { clock, shutdown, log } = sceneOf({ deregister: () => new Promise((resolve) => clock.after(1_000, resolve)) })
    const left = shutdown.leave({})
    await clock.advance(5_000)
    await left
    expect(log).toEqual(['0 goodbye', '0 deregister', '5000 refuse'])
  })

  it('D06 cuts what has not ended in time, and gives what comes then no more than a second', async () => {
    const { clock, shutdown, log, arrive } = sceneOf({ serverStops: never, close: () => never })
    arrive()
    let over = false
    const finished = shutdown.finishWith({}, () => log.push(`${clock.now()} last`)).then(() => (over = true))
    await clock.advance(28_000)
    expect(log.slice(-2)).toEqual(['28000 cut', '28000 close'])
    await clock.advance(999)
    expect(over).toBe(false)
    await clock.advance(1)
    await finished
    expect(log.at(-1)).toBe('29000 last')
  })

  it('does what the application asked for when everything has ended, also when that fails or somebody else drained first', async () => {
    const { clock, shutdown, log } = sceneOf()
    const first = shutdown.finish({ drainDelayMs: 100 })
    const second = shutdown.finishWith({}, () => {
      log.push(`${clock.now()} last`)
      throw new Error('no database')
    })
    await clock.advance(100)
    await Promise.all([first, second])
    expect(log.slice(-2)).toEqual(['100 close', '100 last'])
    expect(clock.pending).toBe(0)
  })

  it('is done once, by the options of the first: what a framework began with leave(), drain() goes on with', async () => {
    const { clock, shutdown, log } = sceneOf()
    const all = [shutdown.leave({ drainDelayMs: 100 }), shutdown.finish({ drainDelayMs: 9_000 }), shutdown.finish({})]
    await clock.advance(100)
    await Promise.all(all)
    expect(log).toEqual(['0 goodbye', '0 deregister', '100 refuse', '100 stop', '100 stopped', '100 close'])
  })

  it('stops waiting for callers when the mesh is closed meanwhile', async () => {
    const { clock, drain, shutdown } = sceneOf()
    const left = shutdown.leave({})
    await clock.advance(100)
    drain.begin()
    await left
    expect([clock.now(), clock.pending]).toEqual([100, 0])
  })

  it('rejects options that it does not understand, and then has not begun', async () => {
    const { shutdown, log } = sceneOf()
    await expect(shutdown.leave({ drainDelay: 1 } as object)).rejects.toThrow('drainDelay: unknown option')
    await expect(shutdown.finish({ drainDelayMs: 9, drainTimeoutMs: 8 })).rejects.toThrow('drainTimeoutMs: expected at least drainDelayMs of 9, got 8')
    expect([shutdown.begun, log]).toEqual([false, []])
  })
})
