import type { InboundOptions } from 'sidecarless'

/** Where a server is found. */
export interface Address {
  readonly port: number
  /** Its node in a network of Moleculer's, which has a port of its own. */
  readonly node: { readonly id: string; readonly port: number }
}

export interface Issuer {
  readonly url: string
  readonly clientSecret: string
}

/** What a rule is opened with. */
export interface Surroundings {
  readonly servers: readonly Address[]
  readonly callers: number
  readonly timeoutMs: number
  /** Whose tokens the servers' meshes take. */
  readonly issuer: Issuer
}

/** What stands in a server besides its plain HTTP. */
export interface Doors {
  /** The inbound side of a mesh, for requests that bring a token. */
  readonly mesh?: InboundOptions
  /** A node of Moleculer's. */
  readonly moleculer?: boolean
}

/** One of the clients of the fleet, with its own knowledge. */
export interface Caller {
  /** Has some server do the work: the status of its answer, or a rejection. */
  send(workMs: number): Promise<number>
}

export interface OpenRule {
  readonly callers: readonly Caller[]
  /** Hears from the registry which servers there are. Absent: it has to find out for itself. */
  list?(servers: readonly Address[]): void
  close(): Promise<void>
}

/** A way to choose a server, as a client would use it. */
export interface Rule {
  readonly about: string
  /** How it learns that a server leaves, is gone or is back. */
  readonly hears: string
  readonly doors?: Doors
  /** Why it cannot run here. Absent: it always can. */
  missing?(): string | undefined
  open(surroundings: Surroundings): Promise<OpenRule>
}
