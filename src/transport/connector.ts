import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import '../base/builtin-fetch.js'
import { buildConnector, errors } from 'undici'
import type { Clock } from '../base/clock.js'
import { guardedLookup, refusedHost } from '../base/forbidden-address.js'
import { PeerRefused } from './peer-refused.js'
import type { Secrets } from './security.js'

/** Whom a connection over TLS is to reach, and with what it is opened. */
export interface Expected {
  readonly secrets: Secrets
  readonly identity: string
}

/**
 * Opens sockets, within `timeoutMs` at most. undici's own timer for it runs in steps of half a second, and would make 250 ms up
 * to a second. With `expected`, those over TLS reach this workload or fail with {@link PeerRefused}.
 */
export function connectorWithin(timeoutMs: number, clock: Clock, expected?: Expected): buildConnector.connector {
  const connectors = new Map<boolean, buildConnector.connector>()
  const connectorFor = (allowH2: boolean): buildConnector.connector => {
    const known = connectors.get(allowH2) ?? buildConnector({ allowH2, timeout: 0, lookup: guardedLookup, ...(expected && tlsOptions(expected)) })
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
      const opening = expected === undefined ? result : verified(result, expected)
      // Before undici listens itself.
      opening[1]?.once('error', plainlyBroken)
      callback(...opening)
    }) as unknown as Socket
  }
}

function tlsOptions({ secrets }: Expected): buildConnector.BuildOptions {
  return {
    secureContext: secrets.context,
    rejectUnauthorized: true,
    // The certificates of a mesh name workloads, not hosts: see below.
    checkServerIdentity: () => undefined,
    // OpenSSL looks at no certificate when a session is resumed.
    maxCachedSessions: 0,
  }
}

type Result = Parameters<buildConnector.Callback>

/** The check of every connection, before undici may write to it. */
function verified([error, socket]: Result, { secrets, identity }: Expected): Result {
  if (error !== null) return [isOfTls(error) ? new PeerRefused(error.message, { cause: error }) : error, null]
  // Of an `https:` origin; a plain one would never come here.
  const connection = socket as TLSSocket
  const refusal = connection.encrypted ? secrets.refusal(connection, identity) : new Error('the connection is in the clear')
  if (refusal === undefined) return [null, connection]
  connection.destroy()
  return [new PeerRefused(refusal.message, { cause: refusal }), null]
}

/** What a system says is `ECONNREFUSED` and the like, and what undici says has its mark; all else is a handshake that failed. */
function isOfTls({ code }: Error & { code?: string }): boolean {
  return code !== undefined && !/^(?:E[A-Z\d]+$|UND_)/.test(code)
}

/**
 * undici takes a reset in a body without a length for the end of that body, and a short answer for a whole one. By its own name for
 * a broken socket it believes it.
 */
function plainlyBroken(error: NodeJS.ErrnoException): void {
  if (error.code === 'ECONNRESET') error.code = 'UND_ERR_SOCKET'
}
