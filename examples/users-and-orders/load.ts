// The edge: stands for the website in front of the order service. A dozen visitors ask for one order after another.
import { setTimeout as pause } from 'node:timers/promises'
import { createMesh, isMeshError, type MeshError } from 'sidecarless'
import { startTelemetry } from 'sidecarless/otel'
import { registry } from './registry.js'

export interface Load {
  readonly seconds: number
  readonly calls: number
  /** Answer → how often: `200`, or the code of an error. */
  readonly answers: Readonly<Record<string, number>>
  /** Instance → how many calls it served. */
  readonly servedBy: { readonly orders: Readonly<Record<string, number>>; readonly users: Readonly<Record<string, number>> }
  readonly p50Ms: number
  readonly p99Ms: number
  /** What the user service answers to the edge, which it knows but does not allow. */
  readonly usersAnswer: string
}

interface Order {
  readonly servedBy: string
  readonly user: { readonly servedBy: string }
}

const VISITORS = 12
const BETWEEN_MS = 50

const controlPlane = process.env.CONSUL_HTTP_ADDR ?? 'http://127.0.0.1:7117'
const seconds = Number(process.env.SECONDS ?? 10)

const telemetry = await startTelemetry({ service: 'edge', endpoint: controlPlane, spanIntervalMs: 500, metricIntervalMs: 2_000 })
const mesh = createMesh({
  service: 'edge',
  registry: registry(),
  identity: { issuer: controlPlane, clientSecret: process.env.MESH_CLIENT_SECRET },
  services: { orders: {}, users: {} },
})
await mesh.ready()

const answers: Record<string, number> = {}
const servedBy = { orders: {} as Record<string, number>, users: {} as Record<string, number> }
const latenciesMs: number[] = []
const startedAt = performance.now()

await Promise.all(Array.from({ length: VISITORS }, (_, visitor) => visit(visitor)))

const { status, code } = await askUsers()
const sorted = latenciesMs.sort((a, b) => a - b)
const load: Load = {
  seconds: (performance.now() - startedAt) / 1_000,
  calls: sorted.length,
  answers,
  servedBy,
  p50Ms: percentile(sorted, 0.5),
  p99Ms: percentile(sorted, 0.99),
  usersAnswer: `${status} ${code ?? 'answered'}`,
}
console.log(JSON.stringify(load))
await mesh.close()
await telemetry.shutdown()

async function visit(visitor: number): Promise<void> {
  for (let order = visitor; performance.now() - startedAt < seconds * 1_000; order += VISITORS) {
    const askedAt = performance.now()
    count(answers, await askForOrder(order))
    latenciesMs.push(performance.now() - askedAt)
    await pause(BETWEEN_MS)
  }
}

async function askForOrder(id: number): Promise<string> {
  try {
    const reply = await mesh.service('orders').get('/orders/{id}', { params: { id } })
    if (reply.ok) {
      const order = (await reply.json()) as Order
      count(servedBy.orders, order.servedBy)
      count(servedBy.users, order.user.servedBy)
    }
    return String(reply.status)
  } catch (error) {
    return isMeshError(error) ? (error as MeshError).code : String(error)
  }
}

async function askUsers(): Promise<{ status: number; code?: string }> {
  const reply = await mesh.service('users').get('/users/1')
  return { status: reply.status, ...((await reply.json()) as { code?: string }) }
}

function count(table: Record<string, number>, key: string): void {
  table[key] = (table[key] ?? 0) + 1
}

function percentile(sortedValues: readonly number[], ratio: number): number {
  return sortedValues[Math.max(0, Math.ceil(sortedValues.length * ratio) - 1)] ?? 0
}
