import { describe, expect, it, onTestFinished } from 'vitest'
import type { Snapshot } from '../../src/call/snapshot.js'
import { followForever } from '../../src/discovery/follow.js'
import type { Registry } from '../../src/discovery/registry.js'
import { FakeClock, settled } from '../support/fake-clock.js'
import { ScriptedRegistry } from './support/scripted-registry.js'

function following(registry: Registry, random = () => 0) {
  const clock = new FakeClock()
  const aborter = new AbortController()
  const told: Snapshot[] = []
  const failures: { message: string; retryInMs: number }[] = []
  const ended = followForever(
    { registry, service: 'users', clock, random, signal: aborter.signal, relistMs: 60_000 },
    {
      told: (snapshot) => void told.push(snapshot),
      failed: ({ message }, retryInMs) => void failures.push({ message, retryInMs }),
    },
  )
  onTestFinished(() => aborter.abort())
  const stop = async (): Promise<void> => {
    aborter.abort()
    await ended
  }
  return { clock, told, failures, stop }
}

describe('following a service', () => {
  it('asks a registry that breaks as soon as it has spoken no more often than one that never speaks', async () => {
    const registry = new ScriptedRegistry()
    const { clock, told, failures } = following(registry, () => 0.999_999)
    for (let i = 0; i < 10; i++) {
      registry.tell({ revision: i, endpoints: ['h:1'] })
      registry.fail(new Error('broke'))
      await clock.advance(15_000)
    }
    expect(told).toHaveLength(10)
    expect(failures.map(({ retryInMs }) => Math.round(retryInMs)).slice(-3)).toEqual([15_000, 15_000, 15_000])
  })

  it('R08 asks anew after silence, spread over the last quarter of relistMs, and does not call that a failure', async () => {
    const registry = new ScriptedRegistry()
    const { clock, failures } = following(registry, () => 1)
    await clock.advance(44_999)
    expect(registry.watches).toBe(1)
    await clock.advance(1)
    expect([registry.watches, registry.running, failures]).toEqual([2, 1, []])
  })

  it('is not silent while the same word comes again', async () => {
    const registry = new ScriptedRegistry()
    const { clock, told } = following(registry)
    for (let i = 0; i < 5; i++) {
      registry.tell({ revision: 1, endpoints: ['h:1'] })
      await clock.advance(50_000)
    }
    expect([registry.watches, told.length]).toEqual([1, 5])
  })

  it('keeps the last good policy from one watch to the next', async () => {
    const registry = new ScriptedRegistry()
    const { clock, told } = following(registry)
    registry.tell({ revision: 1, endpoints: ['h:1'], policy: { timeoutMs: 800 } })
    registry.fail(new Error('broke'))
    registry.tell({ revision: 2, endpoints: ['h:2'], policy: { timeoutMs: -1 } })
    await clock.advance(1)
    expect(told.map(({ endpoints, policy }) => [endpoints[0]?.port, policy])).toEqual([[1, { timeoutMs: 800 }], [2, { timeoutMs: 800 }]])
  })

  const large = (revision: number, port: number): object => ({
    revision,
    endpoints: Array.from({ length: 1_000 }, (_, i) => ({ id: `i-${i}`, host: 'h', port })),
  })

  it('R12 reads a large service at most twenty times a second, and never leaves out its last word', async () => {
    const registry = new ScriptedRegistry()
    const { clock, told } = following(registry)
    for (let i = 1; i <= 100; i++) {
      registry.tell(large(i, i))
      await clock.advance(10)
    }
    await clock.advance(50)
    expect(told.length).toBeLessThanOrEqual(22)
    expect(told.length).toBeGreaterThanOrEqual(20)
    expect(told.at(-1)?.endpoints[0]?.port).toBe(100)
  })

  it('tells what waits before it tells that the watch has failed, and nothing that is older than what it told', async () => {
    const registry = new ScriptedRegistry()
    const { clock, told, failures } = following(registry, () => 0.5)
    registry.tell(large(1, 1), large(3, 3), large(2, 2))
    registry.fail(new Error('broke'))
    await settled()
    expect(told.map(({ revision }) => revision)).toEqual([1, 3])
    expect(failures).toHaveLength(1)
    registry.tell(large(1, 1), large(2, 2), { revision: 3, endpoints: ['h:1'] })
    await clock.advance(200)
    expect(told.map(({ revision }) => revision)).toEqual([1, 3, 1, 3])
  })

  it('R04 serves what waits of a large service although nonsense follows', async () => {
    const registry = new ScriptedRegistry()
    const { clock, told, failures } = following(registry)
    registry.tell(large(1, 1), large(2, 2), null, { revision: 3 })
    await clock.advance(50)
    expect([told.map(({ revision }) => revision), failures.length]).toEqual([[1, 2], 2])
  })

  it('takes whatever is thrown for a failure, even at the very beginning of a watch', async () => {
    const failing: Registry = {
      name: 'failing',
      watch: () => {
        // eslint-disable-next-line @typescript-eslint/only-throw-error
        throw 'no error at all'
      },
      register: () => Promise.reject(new Error('not here')),
    }
    const { failures } = following(failing)
    await settled()
    expect(failures[0]).toEqual({ message: 'no error at all', retryInMs: 0 })
  })

  it('ends when told to, in a watch or between two, and leaves no timer', async () => {
    const registry = new ScriptedRegistry()
    const watching = following(registry)
    await settled()
    await watching.stop()
    const broken = new ScriptedRegistry()
    const waiting = following(broken, () => 0.5)
    broken.fail(new Error('broke'))
    await settled()
    expect([broken.running, waiting.clock.pending]).toEqual([0, 1])
    await waiting.stop()
    expect([watching.clock.pending, waiting.clock.pending]).toEqual([0, 0])
  })
})
