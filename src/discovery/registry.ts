import type { Snapshot } from '../call/snapshot.js'

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
 * The port to an outside registry. An adapter tries once and tells the truth; who keeps trying, and what is kept
 * meanwhile, is decided in one place for all of them: the resolver and the registrar.
 */
export interface Registry {
  /** Name for messages, such as `consul`. */
  readonly name: string
  /**
   * Follows a service. Each yield is the whole truth; the first comes as soon as the registry answers. Throws when the
   * registry fails, ends when `signal` aborts.
   */
  watch(service: string, context: { readonly signal: AbortSignal }): AsyncIterable<Snapshot>
  /** Registers once and keeps the registration alive until it is lost or taken out. Throws when the registry refuses or cannot be reached. */
  register(instance: Instance, context: { readonly signal: AbortSignal }): Promise<Registration>
}
