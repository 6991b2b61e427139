/** A connection that was opened, but not to the workload that it was meant for. */
export class PeerRefused extends Error {
  readonly code = 'ERR_MESH_PEER'
}
