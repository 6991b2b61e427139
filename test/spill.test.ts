import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createControlPlane } from '../src/control-plane/control-plane.js'
import { expressMesh } from '../src/express.js'
import { createMesh, fixed, type Mesh } from '../src/index.js'

const WORK_MS = 10
const TEXT = { 'content-type': 'text/plain' }

/** A service with one slot: whoever comes while it works has to wait. */
async function startInstance(issuer: string) {
  const mesh = createMesh({ service: 'users', registry: fixed({}), identity: { issuer, clientSecret: 'hush' } })
  const processed: string[] = []
  let spilled = 0
  mesh.on('spilled', () => spilled++)
  const app = express()
  app.use(expressMesh(mesh, { policy: { allow: [{ from: ['orders', 'crowd'] }] } }), express.text())
  let slot = Promise.resolve()
  app.post('/work', (req, res) => {
    processed.push(String(req.body))
    slot = slot.then(() => pause(WORK_MS)).then(() => void res.json({}))
  })
  const server = createServer(app).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await mesh.close()
  })
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, processed, spilled: () => spilled }
}

async function scene(maxOffers: number) {
  const plane = await createControlPlane({ port: 0, clientSecret: 'hush' })
  const [busy, free] = [await startInstance(plane.url), await startInstance(plane.url)]
  const caller = (service: string, addresses: readonly string[]): Mesh =>
    createMesh({
      service,
      registry: fixed({ users: addresses }),
      identity: { issuer: plane.url, clientSecret: 'hush' },
      // Half of the calls go to the busy one, however it does.
      services: { users: { balancer: { algorithm: 'round-robin' }, spill: { maxOffers }, retry: { maxResends: 0 } } },
    })
  const [crowd, orders] = [caller('crowd', [busy.address]), caller('orders', [busy.address, free.address])]
  onTestFinished(async () => {
    await Promise.all([crowd.close(), orders.close()])
    await plane.close()
  })
  let over = false
  const crowding = Array.from({ length: 12 }, async (_, i) => {
    for (let n = 0; !over; n++) {
      await (await crowd.service('users').post('/work', { body: `crowd ${i} ${n}`, headers: TEXT })).bytes()
      // Some rest now and then, so that the instance learns what it takes when it has less to do.
      if (n % 8 === 7) await pause(40 * i)
    }
  })
  const send = async (calls: number): Promise<number[]> => {
    const statuses: number[] = []
    for (let n = 0; n < calls; n++) {
      const reply = await orders.service('users').post('/work', { body: `orders ${n}`, headers: TEXT })
      await reply.bytes()
      statuses.push(reply.status)
    }
    over = true
    await Promise.all(crowding)
    return statuses
  }
  return { busy, free, orders, send }
}

const ofOrders = (processed: readonly string[]): string[] => processed.filter((body) => body.startsWith('orders'))

describe('a call that may be offered to others', () => {
  it('goes to a free instance when a busy one refuses it, is done once, and is nobody’s failure', async () => {
    const { busy, free, orders, send } = await scene(2)
    const news: string[] = []
    for (const name of ['retried', 'ejected', 'breaker', 'denied'] as const) orders.on(name, () => news.push(name))
    const statuses = await send(80)
    expect(busy.spilled()).toBeGreaterThan(0)
    expect(new Set(statuses)).toEqual(new Set([200]))
    const done = [...ofOrders(busy.processed), ...ofOrders(free.processed)]
    expect(done).toHaveLength(80)
    expect(new Set(done).size).toBe(80)
    // Without a refusal it would be half.
    expect(ofOrders(free.processed).length).toBeGreaterThan(42)
    expect(news).toEqual([])
    expect(orders.explain('users').endpoints.every(({ successRatio }) => successRatio === 1)).toBe(true)
  })

  it('is not refused where nobody offers it', async () => {
    const { busy, send } = await scene(0)
    await send(40)
    expect(busy.spilled()).toBe(0)
  })
})
