import type { Address } from '../rule.js'
import { createBroker, type Broker } from './moleculer.js'

/** A server's node: the same work, asked for by an action instead of a request. */
export class MoleculerNode {
  readonly #address: Address['node']
  readonly #serve: (workMs: number) => Promise<void>
  #broker: Broker | undefined

  constructor(address: Address['node'], serve: (workMs: number) => Promise<void>) {
    this.#address = address
    this.#serve = serve
  }

  async open(): Promise<void> {
    this.#broker = createBroker(this.#address.id, { port: this.#address.port, peers: [], more: { tracking: { enabled: true } } })
    const serve = this.#serve
    this.#broker.createService({ name: 'work', actions: { do: (context: { params: { workMs: number } }) => serve(context.params.workMs) } })
    await this.#broker.start()
  }

  /** Lets what is under way end, and is gone. */
  async close(): Promise<void> {
    await this.#broker?.stop()
    this.#broker = undefined
  }
}
