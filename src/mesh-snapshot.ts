import type { Clock } from './base/clock.js'
import type { Random } from './base/random.js'
import type { PeerCertificate } from './call/inbound.js'
import type { ShedCounts } from './resilience/shed.js'
import type { ServiceReport } from './service-report.js'

/** What `createMesh` takes time and chance from. */
export interface MeshGround {
  readonly clock: Clock
  readonly random: Random
}

/** What the mesh knows at this moment: plain data, without secrets. */
export interface MeshSnapshot {
  readonly service: string
  readonly registry: string
  /** Ids under which this process stands in the registry. */
  readonly instances: readonly string[]
  readonly draining: boolean
  /** Whom this process is over TLS, and until when in milliseconds since the Unix epoch; undefined without `tls`. */
  readonly certificate: PeerCertificate | undefined
  /** Requests that are being answered, and how many were refused since the start because there was too much to do. */
  readonly inbound: { readonly inFlight: number; readonly shed: Readonly<ShedCounts> }
  readonly services: Readonly<Record<string, ServiceReport>>
}
