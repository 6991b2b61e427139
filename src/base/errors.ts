/** Whether the called service may have acted on a request that failed. */
export type Processed = 'no' | 'maybe' | 'yes'

/** Every code a {@link MeshError} can carry; `docs/errors.md` says what to do about each. */
export type MeshErrorCode =
  | 'MESH_ERR_OPTION'
  | 'MESH_ERR_REQUEST'
  | 'MESH_ERR_UNKNOWN_HOST'
  | 'MESH_ERR_NOT_READY'
  | 'MESH_ERR_NO_ENDPOINTS'
  | 'MESH_ERR_DEADLINE'
  | 'MESH_ERR_ATTEMPT_TIMEOUT'
  | 'MESH_ERR_ABORTED'
  | 'MESH_ERR_BREAKER_OPEN'
  | 'MESH_ERR_LIMIT'
  | 'MESH_ERR_THROTTLED'
  | 'MESH_ERR_CONNECT'
  | 'MESH_ERR_NO_SOCKET'
  | 'MESH_ERR_TLS'
  | 'MESH_ERR_CONNECTION'
  | 'MESH_ERR_RESPONSE'
  | 'MESH_ERR_TOO_LARGE'
  | 'MESH_ERR_BODY_USED'
  | 'MESH_ERR_IDENTITY'
  | 'MESH_ERR_KEYS'
  | 'MESH_ERR_UNAUTHENTICATED'
  | 'MESH_ERR_FORBIDDEN'
  | 'MESH_ERR_BAD_PATH'
  | 'MESH_ERR_DRAINING'
  | 'MESH_ERR_SPILLED'
  | 'MESH_ERR_SHED'
  | 'MESH_ERR_HTTP'
  | 'MESH_ERR_REGISTRY'
  | 'MESH_ERR_SNAPSHOT'
  | 'MESH_ERR_PORT_TAKEN'
  | 'MESH_ERR_STATE'
  | 'MESH_ERR_CLOSED'

export interface MeshErrorDetails {
  /** The service that was called. */
  service?: string | undefined
  /** Id of the endpoint that the failure is charged to; absent when none was. */
  endpoint?: string | undefined
  /** How many attempts were made, this one included; 0 when none was. */
  attempts?: number | undefined
  /** Whether the service may have acted on the request. Default `'no'`. */
  processed?: Processed | undefined
  /** The error underneath. */
  cause?: unknown
}

// Registered, not unique: the package ships as ESM and as CommonJS, and two copies of it may meet in one process.
const BRAND = Symbol.for('sidecarless.MeshError')

/** The one error class of this package. Tell errors apart by `code`, and find one anywhere in a chain with {@link isMeshError}. */
export class MeshError extends Error {
  readonly code: MeshErrorCode
  readonly service: string | undefined
  readonly endpoint: string | undefined
  readonly attempts: number
  readonly processed: Processed

  constructor(code: MeshErrorCode, message: string, details: MeshErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    // What fetch and undici call it, so that code which asks for the name goes on working.
    this.name = code === 'MESH_ERR_ABORTED' ? 'AbortError' : 'MeshError'
    this.code = code
    this.service = details.service
    this.endpoint = details.endpoint
    this.attempts = details.attempts ?? 0
    this.processed = details.processed ?? 'no'
  }

  get [BRAND](): true {
    return true
  }
}

/**
 * Finds out whether `error`, or any error in its chain of causes, came from this package.
 * Works across copies of the package, where `instanceof` does not.
 */
export function isMeshError(error: unknown, code?: MeshErrorCode): boolean {
  return meshErrorIn(error, code) !== undefined
}

/** The first {@link MeshError} in a chain of causes, with this code if one is given. */
export function meshErrorIn(error: unknown, code?: MeshErrorCode): MeshError | undefined {
  // Bounded, because a chain of causes may be a circle.
  for (let depth = 0; depth < 8 && typeof error === 'object' && error !== null; depth++) {
    if (BRAND in error && (code === undefined || (error as MeshError).code === code)) return error as MeshError
    error = (error as { cause?: unknown }).cause
  }
  return undefined
}
