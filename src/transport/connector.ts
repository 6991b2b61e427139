import type { Socket } from 'node:net'
import '../base/builtin-fetch.js'
import { buildConnector, errors } from 'undici'
import type { Clock } from '../base/clock.js'
import { guardedLookup, refusedHost } from '../base/forbidden-address.js'

/**
 * Opens sockets, within `timeoutMs` at most. undici's own timer for it runs in steps of half a second, and would make 250 ms up
 * to a second.
 */
export function connectorWithin(timeoutMs: number, clock: Clock): buildConnector.connector {
  const connectors = new Map<boolean, buildConnector.connector>()
  const connectorFor = (allowH2: boolean): buildConnector.connector => {
    const known = connectors.get(allowH2) ?? buildConnector({ allowH2, timeout: 0, lookup: guardedLookup })
    connectors.set(allowH2, known)
    return known
  }
  return (options: buildConnector.Options & { readonly allowH2?: boolean }, callback) => {
    // A name is looked at when it is resolved; what is none never gets there.
    const refused = refusedHost(options.hostname)
    if (refused !== undefined) return callback(refused, null)
    let over = false
    const giveUp = (): void => {
      if (over) return
      socket.destroy(new errors.ConnectTimeoutError(`no connection within connectTimeoutMs of ${timeoutMs}`))
    }
    // What has happened meanwhile comes first: a process that was busy must not take its own delay for the network's.
    const timer = clock.after(timeoutMs, () => void clock.after(0, giveUp))
    const socket = connectorFor(options.allowH2 ?? false)(options, (...result) => {
      over = true
      timer.cancel()
      // Before undici listens itself.
      result[1]?.once('error', plainlyBroken)
      callback(...result)
    }) as unknown as Socket
  }
}

/**
 * undici takes a reset in a body without a length for the end of that body, and a short answer for a whole one. By its own name for
 * a broken socket it believes it.
 */
function plainlyBroken(error: NodeJS.ErrnoException): void {
  if (error.code === 'ECONNRESET') error.code = 'UND_ERR_SOCKET'
}
