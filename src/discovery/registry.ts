/** What a service says about itself when it joins. */
export interface Instance {
  readonly service: string
  /** Unique within the service. */
  readonly id: string
  /** Undefined leaves it to the registry, which knows the address of the node that the instance runs on. */
  readonly host: string | undefined
  readonly port: number
  readonly weight: number
  readonly zone: string | undefined
  readonly region: string | undefined
  readonly metadata: Readonly<Record<string, string>>
}

/** An instance that stands in a registry. */
export interface Registration {
  /** Fulfils when the registry has lost the instance or may have: a lease that ran out, a heartbeat refused. Never rejects. */
  readonly lost: Promise<Error>
  /** Takes the instance out. Harmless when it is already gone. */
  deregister(): Promise<void>
}

/**
 * A snapshot as a registry tells it, before anybody has checked it: every `Snapshot` is one, and so is anything that
 * came as JSON. The resolver reads it, refuses malformed entries one by one, and serves the rest.
 */
export interface RawSnapshot {
  /** Grows with every change while one watch lasts. */
  readonly revision: number
  /** An entry that is the same object as before is taken to be unchanged, and is not read again. */
  readonly endpoints: readonly unknown[]
  readonly policy?: unknown
  /** Why entries were left out by whoever has read them before. */
  readonly refused?: readonly string[] | undefined
}

/**
 * The port to an outside registry. An adapter tries once and tells the truth; who keeps trying, and what is kept
 * meanwhile, is decided in one place for all of them: the resolver and the registrar.
 */
export interface Registry {
  /** Name for messages, such as `consul`. */
  readonly name: string
  /** How long it may take until callers have heard of a change. Default: next to nothing. */
  readonly propagationMs?: number
  /** Whether its word is the user's own, and true as soon as it is said, even when it takes everything away. Default false. */
  readonly authoritative?: boolean
  /**
   * Follows a service. Each snapshot is the whole truth; the first comes as soon as the registry answers, and an unchanged
   * one may come again as proof of life. An `Error` is bad news that the watch outlives, such as a file saved half done.
   * Throws when the registry fails, ends when `signal` aborts.
   */
  watch(service: string, context: { readonly signal: AbortSignal }): AsyncIterable<RawSnapshot | Error>
  /**
   * Registers once and keeps the registration alive until it is lost or taken out; `signal` gives the try up. Throws
   * `MESH_ERR_OPTION` when the registry will never take this instance, and anything else when trying again may help.
   */
  register(instance: Instance, context: { readonly signal: AbortSignal }): Promise<Registration>
}
