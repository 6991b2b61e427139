import { readFile } from 'node:fs/promises'
import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'

/** Gives the token; one that the server has just refused is read again at once. */
export type TokenReader = (refused?: string) => Promise<string>

const REREAD_MS = 60_000

/**
 * Reads a token that somebody else keeps fresh in a file, as Kubernetes does with that of a service account: again after a
 * minute. One that was read stays in use while the file cannot be read. Throws `MESH_ERR_REGISTRY` when there is none.
 */
export function tokenReader(path: string, clock: Clock): TokenReader {
  let held: { readonly token: string; readonly readAt: number } | undefined
  return async (refused) => {
    if (held !== undefined && held.token !== refused && clock.now() - held.readAt < REREAD_MS) return held.token
    try {
      const token = (await readFile(path, 'utf8')).trim()
      if (token === '') throw new Error(`${path} is empty`)
      held = { token, readAt: clock.now() }
    } catch (cause) {
      const message = `There is no token for Kubernetes: ${(cause as Error).message}`
      if (held === undefined) throw new MeshError('MESH_ERR_REGISTRY', message, { cause })
    }
    return held.token
  }
}
