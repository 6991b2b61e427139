import type { ServerResponse } from 'node:http'
import type { Selector } from './selector.js'
import type { SliceObject } from './slice.js'
import { expired, numberIn, Refusal, statusObject } from './status.js'
import { eventOf, selected, type SliceStore } from './store.js'

export interface WatchRequest {
  readonly query: URLSearchParams
  readonly namespace: string
  readonly selector: Selector
  readonly goneAs: 'event' | 'status'
}

/** One watch that is open. Throws a refusal when it cannot be opened. */
export class WatchStream {
  readonly #store: SliceStore
  readonly #response: ServerResponse
  readonly #wantsBookmarks: boolean
  readonly #isSelected: (object: SliceObject) => boolean
  readonly #over = new AbortController()
  #told: number
  #isSilent = false

  constructor(store: SliceStore, response: ServerResponse, { query, namespace, selector, goneAs }: WatchRequest) {
    if (query.has('limit') || query.has('continue')) throw new Refusal(400, 'BadRequest', 'limit is forbidden for watch')
    const from = numberIn(query, 'resourceVersion') ?? 0
    const timeoutSeconds = numberIn(query, 'timeoutSeconds') ?? 1_800
    const isGone = from !== 0 && store.isCompacted(from)
    if (isGone && goneAs === 'status') throw expired(from)
    this.#store = store
    this.#response = response
    this.#wantsBookmarks = ['true', '1'].includes(query.get('allowWatchBookmarks') ?? '')
    this.#isSelected = ({ metadata }) => metadata.namespace === namespace && selector(metadata.labels ?? {})
    this.#told = from === 0 ? store.version : from
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    if (isGone) {
      this.#write({ type: 'ERROR', object: statusObject(expired(from)) })
      response.end()
      return
    }
    const existing = from === 0 ? selected(store.at(store.version)!, namespace, selector) : []
    for (const object of existing) this.#write({ type: 'ADDED', object })
    const timer = setTimeout(() => this.#timeOut(), timeoutSeconds * 1_000)
    response.once('close', () => {
      clearTimeout(timer)
      this.#over.abort()
    })
    void this.#follow()
  }

  /** Real servers send one about every minute, and one shortly before the end. */
  bookmark(): void {
    this.#tell()
    if (!this.#wantsBookmarks) return
    const metadata = { resourceVersion: String(this.#told), creationTimestamp: null }
    this.#write({ type: 'BOOKMARK', object: { kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', metadata } })
  }

  inject(bytes: string): void {
    this.#response.write(bytes)
  }

  silence(): void {
    this.#isSilent = true
  }

  end(): void {
    this.#over.abort()
    this.#response.end()
  }

  #timeOut(): void {
    if (this.#isSilent) return
    this.bookmark()
    this.end()
  }

  async #follow(): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      this.#tell()
      await this.#store.changed.rung(signal)
    }
  }

  #tell(): void {
    for (const change of this.#store.since(this.#told)) {
      const event = eventOf(change, this.#isSelected)
      if (event !== undefined) this.#write(event)
    }
    // A version from the future is waited for.
    this.#told = Math.max(this.#told, this.#store.version)
  }

  #write(event: object): void {
    if (!this.#isSilent && !this.#response.writableEnded) this.#response.write(`${JSON.stringify(event)}\n`)
  }
}
