/**
 * An API server for EndpointSlices, of the tests' own, since no real one can be had from a package. It speaks the
 * documented part of the API that a client of EndpointSlices needs and enforces its rules:
 *
 * - a list has the version of the whole store and no other; a `resourceVersion` from the future is answered with 504 and
 *   `Retry-After`, a compacted one with 410, and with `limit` it is taken exactly
 *   (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions)
 * - `limit` cuts a list into pages, all of the first one's version; `continue` together with `resourceVersion` is a bad
 *   request, and once that version is compacted it is answered with 410
 *   (https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks)
 * - a watch tells every change after its `resourceVersion`, in order and as one JSON object a line; without one it begins
 *   with an ADDED for all that exists; from a compacted version it is told 410, as an ERROR event within status 200, as
 *   kube-apiserver does it, or as the status itself
 *   (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes, #410-gone-responses)
 * - an object that begins or ceases to be selected is ADDED or DELETED; a DELETED one is as it was last, with the version
 *   of its end
 * - bookmarks come only to those that asked for them, and carry nothing but a version
 *   (https://kubernetes.io/docs/reference/using-api/api-concepts/#watch-bookmarks)
 * - `timeoutSeconds` ends a watch, whatever happens in it
 *   (https://kubernetes.io/docs/reference/kubernetes-api/common-parameters/common-parameters/#timeoutSeconds)
 * - a label selector is read as documented, and a malformed one is a bad request
 *   (https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#label-selectors)
 * - a request without a token that is valid now is answered with 401, one for another namespace with 403, and every
 *   refusal with a `Status`; a watch that is open outlives its token
 *   (https://kubernetes.io/docs/reference/access-authn-authz/authentication/)
 * - `addressType` is immutable
 *   (https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/)
 */
import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Bell } from '../../../src/discovery/bell.js'
import { listAnswer } from './list.js'
import { readSelector, type Selector } from './selector.js'
import { Refusal, statusObject } from './status.js'
import { SliceStore } from './store.js'
import { WatchStream } from './watch-stream.js'

export interface ServerOptions {
  /** With these it speaks TLS. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** The token that is valid; undefined takes everybody. */
  readonly token?: string
}

export interface Asked {
  readonly query: URLSearchParams
  readonly authorization: string | undefined
}

const PATH = /^\/apis\/discovery\.k8s\.io\/v1\/namespaces\/([a-z0-9-]+)\/endpointslices$/

export class KubernetesApi {
  url = ''
  port = 0
  readonly store = new SliceStore()
  readonly asked: Asked[] = []
  /** Namespaces that may be looked at. */
  readonly allowed = new Set(['default'])
  token: string | undefined
  /** How a watch from a compacted version is refused. */
  goneAs: 'event' | 'status' = 'event'
  readonly #server: Server
  readonly #watches = new Set<WatchStream>()
  readonly #instead: { readonly kind: 'list' | 'watch'; readonly answer: (response: ServerResponse) => unknown }[] = []
  readonly #heard = new Bell()
  readonly #closing = new AbortController()

  private constructor({ tls, token }: ServerOptions) {
    const answer = (request: IncomingMessage, response: ServerResponse): void => this.#answer(request, response)
    this.#server = tls === undefined ? createHttpServer(answer) : createHttpsServer(tls, answer)
    this.token = token
  }

  static async start(options: ServerOptions = {}): Promise<KubernetesApi> {
    const api = new KubernetesApi(options)
    api.#server.listen(0, '127.0.0.1')
    await once(api.#server, 'listening')
    api.port = (api.#server.address() as AddressInfo).port
    api.url = `${options.tls === undefined ? 'http' : 'https'}://127.0.0.1:${api.port}`
    return api
  }

  get lists(): readonly Asked[] {
    return this.asked.filter(({ query }) => !query.has('watch'))
  }

  get watches(): readonly Asked[] {
    return this.asked.filter(({ query }) => query.has('watch'))
  }

  /** Fulfils when `holds` does, looked at after every request. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      this.#closing.signal.throwIfAborted()
      await this.#heard.rung(this.#closing.signal)
    }
  }

  /** Answers the next list or watch with something else. */
  instead(kind: 'list' | 'watch', answer: (response: ServerResponse) => unknown): void {
    this.#instead.push({ kind, answer })
  }

  /** Sends a bookmark to every watch that asked for them. */
  bookmark(): void {
    for (const watch of this.#watches) watch.bookmark()
  }

  /** Ends every watch properly, as a server does that is being shut down. */
  endWatches(): void {
    for (const watch of this.#watches) watch.end()
  }

  /** Writes these bytes into every watch. */
  inject(bytes: string): void {
    for (const watch of this.#watches) watch.inject(bytes)
  }

  /** Tells the watches that are open nothing any more, without a word. */
  silence(): void {
    for (const watch of this.#watches) watch.silence()
  }

  /** Breaks every connection. */
  cut(): void {
    this.#server.closeAllConnections()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.endWatches()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams: query } = new URL(request.url!, 'http://cluster')
    this.asked.push({ query, authorization: request.headers.authorization })
    const isWatch = ['true', '1'].includes(query.get('watch') ?? '')
    const instead = this.#instead.findIndex(({ kind }) => (kind === 'watch') === isWatch)
    try {
      if (instead >= 0) return void this.#instead.splice(instead, 1)[0]!.answer(response)
      const { namespace, selector } = this.#admit(request, pathname, query)
      if (isWatch) return this.#watch(query, namespace, selector, response)
      const list = JSON.stringify(listAnswer(this.store, query, namespace, selector))
      response.writeHead(200, { 'content-type': 'application/json' }).end(list)
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(500, 'InternalError', String(error))
      const headers = { 'content-type': 'application/json', ...refusal.headers }
      response.writeHead(refusal.code, headers).end(JSON.stringify(statusObject(refusal)))
    } finally {
      this.#heard.ring()
    }
  }

  #admit({ method, headers }: IncomingMessage, path: string, query: URLSearchParams): { namespace: string; selector: Selector } {
    if (this.token !== undefined && headers.authorization !== `Bearer ${this.token}`) {
      throw new Refusal(401, 'Unauthorized', 'Unauthorized')
    }
    const namespace = PATH.exec(path)?.[1]
    if (namespace === undefined) throw new Refusal(404, 'NotFound', 'the server could not find the requested resource')
    if (method !== 'GET') throw new Refusal(405, 'MethodNotAllowed', 'the server does not allow this method')
    if (!this.allowed.has(namespace)) {
      const what = `User "system:serviceaccount:default:default" cannot list resource "endpointslices"`
      throw new Refusal(403, 'Forbidden', `endpointslices.discovery.k8s.io is forbidden: ${what} in the namespace "${namespace}"`)
    }
    try {
      return { namespace, selector: readSelector(query.get('labelSelector') ?? '') }
    } catch (error) {
      throw new Refusal(400, 'BadRequest', (error as Error).message)
    }
  }

  #watch(query: URLSearchParams, namespace: string, selector: Selector, response: ServerResponse): void {
    const watch = new WatchStream(this.store, response, { query, namespace, selector, goneAs: this.goneAs })
    this.#watches.add(watch)
    response.once('close', () => this.#watches.delete(watch))
  }
}
