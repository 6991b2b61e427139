import { createMesh, type Mesh, type MeshOptions, type Registry } from 'sidecarless'
import { setTimeout as pause } from 'node:timers/promises'
import type { Entry } from './entries.js'

export interface ToldMesh {
  readonly mesh: Mesh
  /** Says this about `users`; fulfils with how many milliseconds it took to read it and to draw the picture that calls are balanced by. */
  tell(entries: readonly Entry[]): Promise<number>
}

/** Words about a large service are taken at most this often (`discovery/gathering.ts`). */
const GAP_MS = 60

/** A mesh that calls `users`, and whose registry is spoken for by hand. */
export function createToldMesh(options: Partial<MeshOptions> = {}): ToldMesh {
  let hear: (entries: readonly Entry[]) => void
  let took: (ms: number) => void
  let next = new Promise<readonly Entry[]>((resolve) => (hear = resolve))
  const registry: Registry = {
    name: 'bench',
    async *watch() {
      for (let revision = 1; ; revision++) {
        const endpoints = await next
        next = new Promise((resolve) => (hear = resolve))
        const begunAt = performance.now()
        // The watch is asked for its next word when this one has been dealt with.
        yield { revision, endpoints }
        took(performance.now() - begunAt)
      }
    },
    register: () => Promise.reject(new Error('nobody registers here')),
  }
  const mesh = createMesh({ service: 'bench', registry, services: { users: {} }, ...options })
  return {
    mesh,
    async tell(entries) {
      const taking = new Promise<number>((resolve) => (took = resolve))
      hear(entries)
      const ms = await taking
      await pause(GAP_MS)
      return ms
    },
  }
}
