import { onTestFinished } from 'vitest'
import { memory } from '../../src/discovery/memory.js'
import { createMesh, type Mesh, type ServiceOptions } from '../../src/index.js'
import type { MeshEvents } from '../../src/call/events.js'
import { forked } from './forked.js'

/** How a server answers; what is left out is 200, at once. */
export interface Behaviour {
  readonly workMs?: number
  readonly status?: number
  readonly retryAfterSec?: number
  /** Every so many requests the connection breaks in place of an answer. */
  readonly breaksEvery?: number
  /** Nobody listens at its port, and its connections are closed. */
  readonly refuses?: boolean
}

export interface Servers {
  readonly addresses: readonly string[]
  /** Fulfils when it behaves so. */
  behave(at: number, behaviour: Behaviour): Promise<void>
}

/** So many servers in a process of their own, which work 10 ms on each request. */
export async function startServers(count: number): Promise<Servers> {
  const program = forked('servers.ts', [`${count}`])
  const ports = await program.hear<number[]>()
  return {
    addresses: ports.map((port) => `127.0.0.1:${port}`),
    behave: (at, behaviour) => program.ask({ at, behaviour }),
  }
}

export interface WatchedMesh {
  readonly mesh: Mesh
  /** Every attempt: where it went and when. */
  readonly attempts: { readonly address: string; readonly atMs: number }[]
  readonly ejections: (MeshEvents['ejected'] & { readonly atMs: number })[]
  /** Share of the attempts from then on that went there. */
  share(address: string, sinceMs?: number): number
}

/** A mesh that calls them as `users`, and remembers what it did. */
export function watchedMesh({ addresses }: Servers, users: ServiceOptions = {}): WatchedMesh {
  const registry = memory()
  registry.set('users', addresses)
  const mesh = createMesh({ service: 'orders', registry, services: { users: { timeoutMs: 2_000, ...users } } })
  onTestFinished(() => mesh.close())
  const attempts: WatchedMesh['attempts'] = []
  const ejections: WatchedMesh['ejections'] = []
  mesh.on('picked', ({ endpoint }) => attempts.push({ address: endpoint, atMs: performance.now() }))
  mesh.on('ejected', (event) => ejections.push({ ...event, atMs: performance.now() }))
  return {
    mesh,
    attempts,
    ejections,
    share(address, sinceMs = 0) {
      const since = attempts.filter(({ atMs }) => atMs >= sinceMs)
      return since.filter((attempt) => attempt.address === address).length / since.length
    },
  }
}
