import { MeshError } from '../base/errors.js'

/** Why everything that is done for a request ends: its caller is gone. */
export function hungUp(cause?: unknown): MeshError {
  return new MeshError('MESH_ERR_ABORTED', 'The caller has hung up before the answer was whole', { processed: 'yes', cause })
}
