import type { Registered } from './registered.js'
import type { Attempt } from './span-facts.js'

const MAX_LEARNED = 1_000

/**
 * What the service behind an address is called. A client outside the mesh names in its spans only the host and port that it
 * called; who answered there is known from the registry, or from the callee's own spans of the same trace.
 */
export class Names {
  readonly #registered: Registered
  readonly #isService: (name: string) => boolean
  readonly #learned = new Map<string, string>()

  constructor(registered: Registered, isService: (name: string) => boolean) {
    this.#registered = registered
    this.#isService = isService
  }

  /** Notes who answered at an address. */
  learn(address: string, service: string): void {
    if (this.#learned.size >= MAX_LEARNED && !this.#learned.has(address)) this.#learned.delete(this.#learned.keys().next().value!)
    this.#learned.set(address, service)
  }

  knows(address: string): boolean {
    return this.#learned.has(address)
  }

  /** The callee's name, or its address while nobody knows the name. */
  of({ callee, isNamed }: Pick<Attempt, 'callee' | 'isNamed'>): string {
    if (isNamed) return callee
    const name = this.#learned.get(callee) ?? this.#registered.at(callee)?.service
    if (name !== undefined) return name
    const host = callee.replace(/:\d+$/, '')
    return this.#isService(host) ? host : callee
  }
}
