import { describe, expect, it, onTestFinished } from 'vitest'
import { createControlPlane } from '../../src/control-plane/control-plane.js'
import { consul, createMesh, type Mesh } from '../../src/index.js'
import { start, type Program } from '../support/processes.js'

const CALLERS = 20
const CALLS_EACH = 60
const KILL_AFTER = 300

describe('a killed instance', () => {
  it('with five instances under load, SIGKILL of one loses no GET', { timeout: 60_000 }, async () => {
    const controlPlane = await createControlPlane({ port: 0, clientSecret: 'hush' })
    onTestFinished(() => controlPlane.close())
    const startOne = (): Program => start('test/flow/programs/instance.ts', [], { CONSUL_HTTP_ADDR: controlPlane.url })
    const instances = Array.from({ length: 5 }, startOne)
    await Promise.all(instances.map((instance) => instance.says(/registered/)))
    const orders = createMesh({
      service: 'orders',
      registry: consul({ address: controlPlane.url }),
      identity: { issuer: controlPlane.url, clientSecret: 'hush' },
      services: { users: { timeoutMs: 20_000, attemptTimeoutMs: 10_000 } },
    })
    onTestFinished(() => orders.close())
    await orders.ready()
    expect(orders.snapshot().services['users']!.endpoints).toHaveLength(5)

    const { statuses, attempts, lost } = await load(orders, (calls) => {
      if (calls === KILL_AFTER) instances[0]!.kill('SIGKILL')
    })
    expect(lost).toEqual([])
    expect(statuses).toEqual({ 200: CALLERS * CALLS_EACH })
    // The kill was felt, or this test would prove nothing; and the second try goes to one that lives.
    expect(Object.keys(attempts)).toEqual(['1', '2'])
    expect((await instances[0]!.ended).signal).toBe('SIGKILL')
  })
})

interface Load {
  readonly statuses: Readonly<Record<number, number>>
  /** Attempts that a call took → how many calls took so many. */
  readonly attempts: Readonly<Record<number, number>>
  readonly lost: readonly unknown[]
}

async function load(mesh: Mesh, before: (calls: number) => void): Promise<Load> {
  const statuses: Record<number, number> = {}
  const attempts: Record<number, number> = {}
  const lost: unknown[] = []
  let calls = 0
  const call = async (): Promise<void> => {
    before(calls++)
    try {
      const reply = await mesh.service('users').get('/users/{id}', { params: { id: calls } })
      await reply.json()
      statuses[reply.status] = (statuses[reply.status] ?? 0) + 1
      attempts[reply.attempts] = (attempts[reply.attempts] ?? 0) + 1
    } catch (error) {
      lost.push(error)
    }
  }
  const caller = async (): Promise<void> => {
    for (let i = 0; i < CALLS_EACH; i++) await call()
  }
  await Promise.all(Array.from({ length: CALLERS }, caller))
  return { statuses, attempts, lost }
}
