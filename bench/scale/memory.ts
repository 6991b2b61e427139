import { setTimeout as pause } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createBalancerLab, seededRandom, type LabResult } from 'sidecarless/testing'
import { systemClock } from '../../src/base/clock.js'
import { entriesOf } from './entries.js'
import { createToldMesh, type ToldMesh } from './told-mesh.js'

/** Bytes of heap per endpoint that are held when everything else has been collected. */
export interface Memory {
  /** Of a mesh: what the registry has said, what was read, and the endpoint with its live state. */
  readonly told: number
  readonly inZonesAndSubset: number
  /** Of each of several meshes in one process. */
  readonly manyClients: number
  /** What is there once it has been called, beyond `told`; connections are undici's and not counted. */
  readonly calledOnce: number
  /** The same when it has also reported its load, and failed. */
  readonly reportedAndFailed: number
}

const CLIENTS = 10

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

async function heapBytes(): Promise<number> {
  // What was weakly held goes only in a turn of its own.
  for (let i = 0; i < 3; i++) {
    collect()
    await pause(10)
  }
  return process.memoryUsage().heapUsed
}

async function held(count: number, make: () => Promise<unknown>): Promise<number> {
  const before = await heapBytes()
  const made = await make()
  const bytes = (await heapBytes()) - before
  // Held until here.
  return made === undefined ? NaN : bytes / count
}

async function heldByMeshes(count: number, clients: number, options: Parameters<typeof createToldMesh>[0] = {}): Promise<number> {
  const meshes: ToldMesh[] = []
  const bytes = await held(count * clients, async () => {
    for (let i = 0; i < clients; i++) {
      const told = createToldMesh(options)
      meshes.push(told)
      await told.tell(entriesOf(count))
    }
    return meshes
  })
  for (const { mesh } of meshes) await mesh.close()
  return bytes
}

/** How much each endpoint grows by so many requests, one after the other. */
async function grownBy(count: number, requests: number, resultOf: (i: number) => LabResult): Promise<number> {
  const lab = createBalancerLab({ algorithm: 'round-robin', clock: systemClock, random: seededRandom(1) })
  lab.setEndpoints(Array.from({ length: count }, (_, i) => ({ id: `users-${i}` })))
  return held(count, async () => {
    for (let i = 0; i < requests * count; i++) lab.end(lab.begin(lab.pick()!), resultOf(i))
    return lab
  })
}

export async function measureMemory(count: number): Promise<Memory> {
  // What is made only once in a process is not an endpoint's.
  await heldByMeshes(count, 1)
  await grownBy(count, 1, () => ({}))
  return {
    told: await heldByMeshes(count, 1),
    inZonesAndSubset: await heldByMeshes(count, 1, { zone: 'eu-a', region: 'eu', services: { users: { subset: { size: 20 } } } }),
    manyClients: await heldByMeshes(Math.ceil(count / CLIENTS), CLIENTS),
    calledOnce: await grownBy(count, 1, () => ({})),
    reportedAndFailed: await grownBy(count, 4, (i) => ({ status: i % 7 === 0 ? 500 : 200, report: { inFlight: i % 5 } })),
  }
}
