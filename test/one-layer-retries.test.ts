import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify from 'fastify'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createControlPlane } from '../src/control-plane/control-plane.js'
import { memory } from '../src/discovery/memory.js'
import { expressMesh } from '../src/express.js'
import { fastifyMesh } from '../src/fastify.js'
import { createMesh, type Mesh, type ServiceOptions } from '../src/index.js'

/** As if the library knew nothing of chains: called from outside of any request. */
const outside = AsyncLocalStorage.snapshot()

interface Options {
  /** Each layer tries again for itself, as much as it likes. */
  readonly naive: boolean
  /** What the last service answers to its n-th request, which may be one more try. */
  readonly bottom: (n: number, isResend: boolean) => number
}

/** web calls shop, shop calls stock, stock calls base: three layers that may try again, and one that fails. */
async function threeLayers({ naive, bottom }: Options) {
  const plane = await createControlPlane({ port: 0, clientSecret: 'hush' })
  onTestFinished(() => plane.close())
  const registry = memory()
  // The breaker would stop calls soon, and here it is to be seen what happens without.
  const breaker = { failureRatio: 1, minCalls: 1_000_000 }
  // The floor is for few calls a second, and on a busy machine these might be few.
  const limits: ServiceOptions = { breaker, retry: naive ? { budgetRatio: 1, minPerSec: 1_000_000 } : { minPerSec: 0 } }
  const arrived = { shop: 0, stock: 0, base: 0 }
  const resent: string[] = []

  const meshOf = (service: string, calls: string): Mesh => {
    const mesh = createMesh({
      service,
      registry,
      identity: { issuer: plane.url, clientSecret: 'hush' },
      services: { [calls]: { timeoutMs: 20_000, outlier: { maxEjectedRatio: 0 }, ...limits } },
    })
    mesh.on('retried', () => resent.push(service))
    onTestFinished(() => mesh.close())
    return mesh
  }
  const listen = async (name: string, server: Server): Promise<void> => {
    if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')
    registry.set(name, [`127.0.0.1:${(server.address() as AddressInfo).port}`])
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
  }
  /** What a layer answers: as the one below, and 502 when that fails. */
  const ask = async (mesh: Mesh, service: string): Promise<number> => {
    const call = async (): Promise<number> => {
      const reply = await mesh.service(service).get('/')
      await reply.text()
      return reply.status
    }
    const status = await (naive ? outside(call) : call())
    return status >= 500 ? 502 : status
  }

  await listen('base', createServer((request, response) => {
    response.writeHead(bottom(++arrived.base, request.headers['mesh-resend'] !== undefined)).end()
  }))

  const stock = meshOf('stock', 'base')
  const stockApp = fastify()
  await stockApp.register(fastifyMesh, { mesh: stock, policy: { allow: [{ from: ['shop'] }] } })
  stockApp.get('/', async (_request, reply) => {
    arrived.stock++
    return reply.code(await ask(stock, 'base')).send('')
  })
  await stockApp.listen({ port: 0, host: '127.0.0.1' })
  await listen('stock', stockApp.server)

  const shop = meshOf('shop', 'stock')
  const shopApp = express()
  shopApp.use(expressMesh(shop, { policy: { allow: [{ from: ['web'] }] } }))
  shopApp.get('/', async (_request, response) => {
    arrived.shop++
    response.status(await ask(shop, 'stock')).end()
  })
  await listen('shop', createServer(shopApp))

  const web = meshOf('web', 'shop')
  return {
    arrived,
    resent,
    async call(times: number): Promise<number[]> {
      const statuses: number[] = []
      let left = times
      await Promise.all(Array.from({ length: 10 }, async () => {
        while (left-- > 0) statuses.push(await ask(web, 'shop'))
      }))
      return statuses
    },
  }
}

describe('a chain of three services', () => {
  it('L02 sends the failing last one at most a fifth more than there are calls, where three layers that each try again send 27 times as much', async () => {
    const careful = await threeLayers({ naive: false, bottom: () => 502 })
    await careful.call(300)
    expect(careful.arrived.base / 300).toBeLessThanOrEqual(1.2)
    expect(careful.arrived).toMatchObject({ shop: 300, stock: 300 })
    // Only the layer that saw it fail has tried again, and it has.
    expect(new Set(careful.resent)).toEqual(new Set(['stock']))

    const naive = await threeLayers({ naive: true, bottom: () => 502 })
    await naive.call(10)
    expect(naive.arrived.base / 10).toBe(27)
  }, 60_000)

  it('is tried again where a try helps', async () => {
    const scene = await threeLayers({ naive: false, bottom: (n, isResend) => (n % 10 === 0 && !isResend ? 502 : 200) })
    const statuses = await scene.call(100)
    expect(statuses.filter((status) => status !== 200)).toEqual([])
    expect(new Set(scene.resent)).toEqual(new Set(['stock']))
  })
})
