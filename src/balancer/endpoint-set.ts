import { MeshError } from '../base/errors.js'
import type { Cancellation } from '../call/cancellation.js'
import type { Endpoint } from '../call/endpoint.js'
import type { Events } from '../call/events.js'
import type { Snapshot } from '../call/snapshot.js'
import type { Level } from './level.js'
import { Node, type Connect } from './node.js'

export interface EndpointSetOptions {
  readonly service: string
  /** Name of the registry that the snapshots come from, for messages. */
  readonly registry: string
  readonly connect: Connect
  /** Draws the picture that calls read of all that is known. */
  readonly draw: (known: readonly Node[]) => readonly Level[]
  readonly events: Events
}

/**
 * The endpoints of one service with their live state: the picture that the slow path draws and the fast path reads.
 * A snapshot replaces it whole; a node lives on for as long as its id and address stay.
 */
export class EndpointSet {
  readonly service: string
  readonly registry: string
  /** What may be picked, and how often. Replaced, never changed. */
  levels: readonly Level[] = []
  readonly #connect: Connect
  readonly #draw: EndpointSetOptions['draw']
  readonly #events: Events
  readonly #waiting = new Set<{ resolve(): void; reject(error: Error): void }>()
  readonly #leaving = new Set<Node>()
  /** In the order of the snapshot. */
  #nodes: readonly Node[] = []
  #revision = 0
  #state: 'waiting' | 'ready' | 'closed' = 'waiting'

  constructor({ service, registry, connect, draw, events }: EndpointSetOptions) {
    this.service = service
    this.registry = registry
    this.#connect = connect
    this.#draw = draw
    this.#events = events
  }

  /** Whether the first snapshot has come; it may well be empty. */
  get isReady(): boolean {
    return this.#state === 'ready'
  }

  /** Every node: ready, draining, and those that the registry no longer names but that still have work. */
  get all(): readonly Node[] {
    return [...this.#nodes, ...this.#leaving]
  }

  /** How many there are of {@link all}. */
  get size(): number {
    return this.#nodes.length + this.#leaving.size
  }

  /** Fulfils with the first snapshot; rejects with the reason of `cancellation`, or with `MESH_ERR_CLOSED`. */
  whenReady(cancellation?: Cancellation): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#state === 'ready') return resolve()
      if (this.#state === 'closed') return reject(this.#closedError())
      // Not a race of promises: one that never settles would remember every call that ever waited for it.
      const waiting = { resolve, reject }
      this.#waiting.add(waiting)
      cancellation?.subscribe((reason) => {
        this.#waiting.delete(waiting)
        reject(reason)
      })
    })
  }

  /** Takes a snapshot for the truth. */
  apply({ endpoints, revision }: Snapshot): void {
    if (this.#state === 'closed') return
    if (!this.#update(endpoints)) this.#replace(endpoints)
    this.#revision = revision
    this.#state = 'ready'
    this.#redraw()
    for (const { resolve } of this.#waiting) resolve()
    this.#waiting.clear()
  }

  /** Refuses whoever waits, lets what is under way end, and closes every connection. */
  async close(): Promise<void> {
    if (this.#state !== 'closed') {
      this.#state = 'closed'
      this.levels = []
      for (const { reject } of this.#waiting) reject(this.#closedError())
      this.#waiting.clear()
    }
    await Promise.all(this.all.map((node) => node.close()))
  }

  /** Takes over a list that names the same endpoints in the same order, as most do; false, and nothing done, for one that does not. */
  #update(endpoints: readonly Endpoint[]): boolean {
    const nodes = this.#nodes
    if (nodes.length !== endpoints.length) return false
    for (let i = 0; i < nodes.length; i++) if (!isAt(nodes[i]!, endpoints[i]!)) return false
    for (let i = 0; i < nodes.length; i++) nodes[i]!.update(endpoints[i]!)
    return true
  }

  #replace(endpoints: readonly Endpoint[]): void {
    const before = new Map(this.#nodes.map((node) => [node.id, node]))
    const known = new Map<string, Node>()
    for (const endpoint of endpoints) {
      // Two instances under one id cannot be told apart; the first one stays.
      if (!known.has(endpoint.id)) known.set(endpoint.id, this.#keepOrOpen(before.get(endpoint.id), endpoint))
    }
    for (const [id, node] of before) if (known.get(id) !== node) this.#leave(node)
    this.#nodes = [...known.values()]
  }

  #keepOrOpen(node: Node | undefined, endpoint: Endpoint): Node {
    if (node === undefined || !isAt(node, endpoint)) return new Node(endpoint, this.#connect, this.#redraw)
    node.update(endpoint)
    return node
  }

  #redraw = (): void => {
    if (this.#state !== 'ready') return
    const nodes = this.#nodes
    // When all have said goodbye, those that still stand are better than none.
    if (!nodes.some(isReady)) for (const node of nodes) node.takeBack()
    let ready = 0
    for (const node of nodes) if (isReady(node)) ready++
    this.levels = this.#draw(nodes)
    const counts = { ready, draining: nodes.length - ready + this.#leaving.size }
    this.#events.emit('endpoints', { service: this.service, revision: this.#revision, ...counts })
  }

  #leave(node: Node): void {
    const gone = (): void => void this.#leaving.delete(node)
    this.#leaving.add(node)
    // A connection that fails to close is gone as well.
    node.close().then(gone, gone)
  }

  #closedError(): MeshError {
    return new MeshError('MESH_ERR_CLOSED', `${this.service}: the mesh is closed`, { service: this.service })
  }
}

/** Whether this is the node of that endpoint, whatever else is said of it. */
function isAt({ endpoint }: Node, { id, host, port }: Endpoint): boolean {
  return endpoint.id === id && endpoint.host === host && endpoint.port === port
}

function isReady({ state }: Node): boolean {
  return state === 'ready'
}

/** Opens the endpoint set of one service; it waits for its first snapshot. */
export function createEndpointSet(options: EndpointSetOptions): EndpointSet {
  return new EndpointSet(options)
}
