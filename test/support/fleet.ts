import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { createControlPlane, type ControlPlane } from '../../src/control-plane/control-plane.js'
import { consul, createMesh, isMeshError, type Mesh, type Registry, type ServiceOptions } from '../../src/index.js'
import { meshErrorIn, type MeshError } from '../../src/base/errors.js'
import { start, type Program } from './processes.js'

/** What an instance is started with; see `programs/instance-to-stop.ts`. */
export interface InstanceOptions {
  readonly onSigterm?: 'close first' | 'fail' | 'fail unnoticed'
  readonly drain?: { readonly drainDelayMs?: number; readonly drainTimeoutMs?: number }
  readonly ttlMs?: number
  readonly id?: string
}

/** The processes of the service `users`, their registry, and what they have been asked to do. */
export interface Fleet {
  readonly controlPlane: ControlPlane
  /** Fulfils when it is registered. */
  startOne(): Promise<Program>
  /** A mesh that calls `users`, told by the registry `lagMs` late; it knows every instance that stands. */
  caller(options?: ServiceOptions, lagMs?: number): Promise<Mesh>
  /** How often the application was given a request: its id → how often. */
  processed(): ReadonlyMap<string, number>
}

export async function startFleet({ onSigterm, drain, ttlMs, id }: InstanceOptions = {}): Promise<Fleet> {
  const controlPlane = await createControlPlane({ port: 0, clientSecret: 'hush' })
  const folder = mkdtempSync(join(tmpdir(), 'mesh-fleet-'))
  onTestFinished(async () => {
    await controlPlane.close()
    rmSync(folder, { recursive: true })
  })
  const ledger = join(folder, 'ledger')
  writeFileSync(ledger, '')
  return {
    controlPlane,
    async startOne() {
      const program = start('test/support/programs/instance-to-stop.ts', [], {
        CONSUL_HTTP_ADDR: controlPlane.url,
        LEDGER: ledger,
        DRAIN: JSON.stringify(drain ?? {}),
        ...(onSigterm !== undefined && { ON_SIGTERM: onSigterm }),
        ...(ttlMs !== undefined && { TTL_MS: `${ttlMs}` }),
        ...(id !== undefined && { INSTANCE_ID: id }),
      })
      await program.says(/registered/)
      return program
    },
    async caller(users = {}, lagMs = 0) {
      const mesh = createMesh({
        service: 'orders',
        registry: late(consul({ address: controlPlane.url }), lagMs),
        identity: { issuer: controlPlane.url, clientSecret: 'hush' },
        // A machine that is busy with other tests is not what these are about.
        services: { users: { timeoutMs: 20_000, attemptTimeoutMs: 15_000, ...users } },
      })
      onTestFinished(() => mesh.close())
      await mesh.ready()
      return mesh
    },
    processed() {
      const counts = new Map<string, number>()
      for (const id of readFileSync(ledger, 'utf8').split('\n').filter(Boolean)) counts.set(id, (counts.get(id) ?? 0) + 1)
      return counts
    },
  }
}

/** A registry whose news, but the first, come `lagMs` late. */
function late(registry: Registry, lagMs: number): Registry {
  if (lagMs === 0) return registry
  return {
    name: registry.name,
    register: (instance, context) => registry.register(instance, context),
    async *watch(service, context) {
      let isFirst = true
      for await (const snapshot of registry.watch(service, context)) {
        if (!isFirst) await pause(lagMs, undefined, { signal: context.signal, ref: false }).catch(() => {})
        isFirst = false
        yield snapshot
      }
    },
  }
}

export interface LoadOptions {
  readonly perSec: number
  /** How long the application works on each. */
  readonly workMs: number
}

export interface LoadReport {
  /** What was reached. */
  readonly perSec: number
  readonly calls: { readonly GET: number; readonly POST: number }
  /** Calls that failed, or were answered with anything but 200. */
  readonly lost: readonly { readonly method: 'GET' | 'POST'; readonly id: string; readonly why: string; readonly error: MeshError | undefined }[]
  /** Calls that took more than one attempt. */
  readonly resent: number
}

/** So many calls under way are all that a machine can take; then the rate falls behind, and the report says so. */
const MAX_UNDER_WAY = 100

/** Calls at a steady rate, whatever becomes of the calls before; every other one is a POST. */
export function startLoad(mesh: Mesh, { perSec, workMs }: LoadOptions): { stop(): Promise<LoadReport> } {
  const calls = { GET: 0, POST: 0 }
  const lost: LoadReport['lost'][number][] = []
  const underWay = new Set<Promise<void>>()
  const startedAt = performance.now()
  let begun = 0
  let resent = 0

  const callOnce = async (method: 'GET' | 'POST', id: string): Promise<void> => {
    calls[method]++
    try {
      const options = { headers: { 'x-request-id': id } }
      const users = mesh.service('users')
      const reply = await (method === 'GET' ? users.get(`/busy/${workMs}`, options) : users.post(`/busy/${workMs}`, { ...options, json: { id } }))
      const body = await reply.text()
      if (reply.attempts > 1) resent++
      if (reply.status !== 200) lost.push({ method, id, why: `${reply.status} ${body}`, error: undefined })
    } catch (error) {
      lost.push({ method, id, why: isMeshError(error) ? (error as Error).message : String(error), error: meshErrorIn(error) })
    }
  }
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1000) * perSec
    while (begun < due && underWay.size < MAX_UNDER_WAY) {
      const method = begun++ % 2 === 0 ? 'GET' : 'POST'
      const call: Promise<void> = callOnce(method, `${method}-${begun}`).then(() => void underWay.delete(call))
      underWay.add(call)
    }
  }, 10)
  return {
    async stop() {
      clearInterval(timer)
      const lastedMs = performance.now() - startedAt
      await Promise.all(underWay)
      return { perSec: Math.round((begun / lastedMs) * 1000), calls, lost, resent }
    },
  }
}

/** What the platform does: SIGTERM, and SIGKILL when the grace is over. Fulfils with how it ended. */
export async function stopWithGrace(program: Program, graceMs: number): Promise<Awaited<Program['ended']>> {
  const timer = setTimeout(() => program.kill('SIGKILL'), graceMs)
  program.kill('SIGTERM')
  try {
    return await program.ended
  } finally {
    clearTimeout(timer)
  }
}
