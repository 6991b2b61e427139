import { inspect } from 'node:util'
import type { Mesh, MeshEvents } from '../../src/index.js'

const EVENTS = Object.keys({
  picked: true,
  ejected: true,
  readmitted: true,
  retried: true,
  retryDenied: true,
  hedged: true,
  endpoints: true,
  breaker: true,
  fallback: true,
  endpointsKept: true,
  endpointsRefused: true,
  registryError: true,
  identityError: true,
  tokenRenewed: true,
  registered: true,
  tlsRenewed: true,
  tlsError: true,
  connectionRefused: true,
  denied: true,
  spilled: true,
  faultInjected: true,
  policyRefused: true,
  policyReplaced: true,
  audited: true,
  attempted: true,
  served: true,
  adminError: true,
  closed: true,
  listenerError: true,
} satisfies Record<keyof MeshEvents, true>) as (keyof MeshEvents)[]

/** Everything that a mesh says to anybody, as text: what a log might hold. */
export class Gossip {
  readonly #told: string[] = []
  /** Every code that was told, causes included. */
  readonly codes = new Set<string>()

  get text(): string {
    return this.#told.join('\n')
  }

  /** As a debugger would show it: every field that can be seen, symbols and hidden ones too. */
  tell(what: string, value: unknown): void {
    const shown = inspect(value, { depth: 12, showHidden: true, maxStringLength: Infinity, maxArrayLength: Infinity })
    this.#told.push(`${what}: ${shown}`)
    if (value instanceof Error) this.#told.push(`${value.stack}`, JSON.stringify(value))
    for (let error = value; error instanceof Error; error = error.cause) {
      this.codes.add(String((error as { code?: unknown }).code))
    }
  }

  /** The error that this ends with; it is a mistake of the test if it does not. */
  async failure(what: string, task: () => unknown): Promise<void> {
    try {
      const value = await task()
      this.tell(what, value)
    } catch (error) {
      this.tell(what, error)
      return
    }
    throw new Error(`${what} was expected to fail`)
  }

  listen(mesh: Mesh): void {
    for (const name of EVENTS) {
      mesh.on(name, (event) => {
        this.tell(name, event)
        if ('code' in event) this.codes.add(event.code)
        if ('error' in event) this.tell(`${name} error`, event.error)
      })
    }
  }
}
