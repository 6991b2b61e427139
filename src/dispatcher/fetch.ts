import { meshErrorIn } from '../base/errors.js'
import type { MeshDispatcher } from './mesh-dispatcher.js'

/**
 * The platform's own fetch, sent through the mesh. It takes and gives the platform's Request, Response and FormData.
 * Where fetch would hide the mesh's error behind `TypeError: fetch failed`, the error itself is thrown.
 */
export function meshFetch(dispatcher: MeshDispatcher): typeof globalThis.fetch {
  return async (input, init) => {
    try {
      return await globalThis.fetch(input, { ...init, dispatcher } as object)
    } catch (error) {
      throw meshErrorIn(error) ?? error
    }
  }
}
