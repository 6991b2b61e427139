import '../base/builtin-fetch.js'
import { Agent, Dispatcher } from 'undici'
import { MeshError } from '../base/errors.js'
import type { Cancellation } from '../call/cancellation.js'
import type { Reply } from '../call/reply.js'
import { Delivery } from './delivery.js'
import { modernHandler } from './legacy-handler.js'
import { headersOf, requestOf, type DispatchedRequest } from './request-of.js'

/** What the dispatcher needs to know of the mesh. */
export interface DispatchTarget {
  /** The service that a URL's origin names; undefined when it names none. May have to wait for the registry's first word. */
  serviceFor(origin: URL, cancellation: Cancellation): string | undefined | Promise<string | undefined>
  send(service: string, request: DispatchedRequest & { readonly cancellation: Cancellation }): Promise<Reply>
  readonly unknownHosts: 'passthrough' | 'error'
}

/**
 * The mesh with the face of an undici Dispatcher: whatever takes a dispatcher speaks through the mesh unchanged.
 * Origins that name no service pass through to an undici Agent of its own, without a token.
 */
export class MeshDispatcher extends Dispatcher {
  readonly #target: DispatchTarget
  // undici's compose() puts a Proxy before this, through which close() could not read a #field.
  private readonly outside = new Agent()
  private closing: Promise<void> | undefined

  constructor(target: DispatchTarget) {
    super()
    this.#target = target
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    const origin = new URL(String(options.origin))
    const delivery = new Delivery(modernHandler(handler), origin.hostname)
    let service: ReturnType<DispatchTarget['serviceFor']>
    try {
      service = this.#target.serviceFor(origin, delivery.cancellation)
    } catch (error) {
      delivery.fail(error as Error)
      return true
    }
    if (service === undefined) return this.#toOutside(origin, options, handler)
    if (typeof service === 'string') this.#toService(service, options, delivery)
    else {
      service.then(
        (name) => (name === undefined ? this.#toOutside(origin, options, handler) : this.#toService(name, options, delivery)),
        (error: Error) => delivery.fail(error),
      )
    }
    return true
  }

  #toService(service: string, options: Dispatcher.DispatchOptions, delivery: Delivery): void {
    if (options.upgrade || options.method === 'CONNECT') {
      return delivery.fail(new MeshError('MESH_ERR_REQUEST', `${service}: the mesh carries no upgraded connections`, { service }))
    }
    if (!delivery.start()) return
    this.#target
      .send(service, { ...requestOf(options), cancellation: delivery.cancellation })
      .then((reply) => delivery.deliver(reply))
      .catch((error: Error) => delivery.fail(error))
  }

  #toOutside(origin: URL, options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    if (this.#target.unknownHosts === 'passthrough') return this.outside.dispatch({ ...options, headers: headersOf(options) }, handler)
    modernHandler(handler).onResponseError?.(
      undefined as never,
      new MeshError(
        'MESH_ERR_UNKNOWN_HOST',
        `${origin.host} is no service that the registry knows, and unknownHosts is 'error'; register it, name it in services, or set unknownHosts to 'passthrough'`,
      ),
    )
    return true
  }

  override close(callback: () => void): void
  override close(): Promise<void>
  override close(callback?: () => void): Promise<void> | void {
    return settle((this.closing ??= this.outside.close()), callback)
  }

  override destroy(error: Error | null, callback: () => void): void
  override destroy(callback: () => void): void
  override destroy(error: Error | null): Promise<void>
  override destroy(): Promise<void>
  override destroy(errorOrCallback?: Error | null | (() => void), callback?: () => void): Promise<void> | void {
    const error = typeof errorOrCallback === 'function' ? null : (errorOrCallback ?? null)
    this.closing = this.outside.destroy(error)
    return settle(this.closing, typeof errorOrCallback === 'function' ? errorOrCallback : callback)
  }
}

function settle(closing: Promise<void>, callback: (() => void) | undefined): Promise<void> | void {
  if (callback === undefined) return closing
  void closing.then(callback, callback)
}
