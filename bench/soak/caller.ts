// Calls `users` at a steady rate, whatever becomes of the calls before, until its parent says stop. It tells its condition when asked.
import { meshErrorIn } from '../../src/base/errors.js'
import { consul, createMesh, type ServiceOptions } from '../../src/index.js'
import { watchCondition } from './condition.js'

/** What became of the calls. */
export interface Calls {
  readonly begun: number
  readonly ok: number
  /** Code or status → how many. */
  readonly failed: Readonly<Record<string, number>>
}

const { CONSUL_HTTP_ADDR, PER_SEC, PATIENCE } = process.env
const perSec = Number(PER_SEC)
const condition = watchCondition()
const mesh = createMesh({
  service: 'orders',
  registry: consul(),
  identity: { issuer: CONSUL_HTTP_ADDR!, clientSecret: 'hush' },
  services: { users: JSON.parse(PATIENCE!) as ServiceOptions },
})
await mesh.ready()
const users = mesh.service('users')
const order = { items: Array.from({ length: 40 }, (_, id) => ({ id, name: `an item with the number ${id}` })) }
const failed: Record<string, number> = {}
const underWay = new Set<Promise<void>>()
let begun = 0
let ok = 0

const send = (number: number) => {
  if (number % 10 === 0) return users.get('/long')
  return number % 3 === 0 ? users.post('/echo', { json: order }) : users.get('/short')
}

const callOnce = async (number: number): Promise<void> => {
  let result: string
  try {
    const reply = await send(number)
    await reply.bytes()
    result = String(reply.status)
  } catch (error) {
    result = meshErrorIn(error)?.code ?? String(error)
  }
  if (result === '200') ok++
  else failed[result] = (failed[result] ?? 0) + 1
}

let lookedAt = performance.now()
let owed = 0
const timer = setInterval(() => {
  const passedMs = performance.now() - lookedAt
  lookedAt += passedMs
  // What a machine that stands still has kept from being called is not made up for all at once.
  owed = Math.min(owed + (passedMs / 1_000) * perSec, perSec / 10)
  for (; owed >= 1; owed--) {
    const call: Promise<void> = callOnce(begun++).then(() => void underWay.delete(call))
    underWay.add(call)
  }
}, 5)

const tell = async (): Promise<void> => void process.send!({ condition: await condition(), calls: { begun, ok, failed } })

const leave = (): never => process.exit()
process.on('disconnect', leave)
process.on('message', (message) => {
  if (message !== 'stop') return void tell()
  process.off('disconnect', leave)
  clearInterval(timer)
  // From here on nothing but what the mesh has left behind keeps this process alive.
  void Promise.all(underWay).then(tell).then(() => mesh.close()).then(() => process.disconnect())
})
process.send!({ ready: true })
