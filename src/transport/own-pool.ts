import '../base/builtin-fetch.js'
import { Client, Pool, type Dispatcher } from 'undici'

/** A pool of connections to one endpoint over HTTP/1.1, with no more than `options.connections` of them. */
export function ownPool(origin: string, options: Pool.Options): Pool {
  return new Pool(origin, { ...options, factory: (url, clientOptions) => new OwnClient(url, clientOptions) })
}

/**
 * A client that says whether it is free. A request that undici finds malformed is refused before it is queued, which a pool takes
 * for a client that is busy and will say when it is not; it never does, and each such request would cost a connection for good.
 */
class OwnClient extends Client {
  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    return super.dispatch(options, handler) || this.stats.size === 0
  }
}
