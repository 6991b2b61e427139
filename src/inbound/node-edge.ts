import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { Cancellation } from '../call/cancellation.js'
import type { Answer, Arrival, Inbound, InboundReply } from '../call/inbound.js'
import { RETRIED_HEADER } from '../call/chain.js'
import { LOAD_REPORT_HEADER } from '../call/load-report.js'
import { isFailure } from '../call/outcome.js'
import { hungUp } from './hung-up.js'

/** A request of Node's own server as it arrives; `target` is the one that the framework routes by. */
export function nodeArrival(request: IncomingMessage, response: ServerResponse, target: string, proceed: Arrival['proceed']): Arrival {
  const cancellation = new Cancellation()
  const closed = (): void => {
    if (!response.writableFinished) cancellation.cancel(hungUp())
  }
  // It may have gone while a middleware before this one waited.
  if (response.destroyed) closed()
  else response.once('close', closed)
  const isEncrypted = (request.socket as { encrypted?: boolean }).encrypted === true
  return {
    method: request.method ?? '',
    target,
    scheme: isEncrypted ? 'https' : 'http',
    connection: isEncrypted ? (request.socket as TLSSocket) : undefined,
    remoteAddress: request.socket.remoteAddress,
    localPort: request.socket.localPort,
    cancellation,
    // Node's `headers` keeps one of two authorization fields; the raw list keeps both.
    header: (name) => (name === 'host' ? hostField(request.rawHeaders) : joinedField(request.rawHeaders, name)),
    proceed,
  }
}

/** HTTP/2 names the host in `:authority`. Where both are there and disagree, they are two hosts. */
function hostField(rawHeaders: readonly string[]): string | undefined {
  const host = joinedField(rawHeaders, 'host')
  const authority = joinedField(rawHeaders, ':authority')
  return host === undefined || authority === undefined || host === authority ? (host ?? authority) : `${host}, ${authority}`
}

function joinedField(rawHeaders: readonly string[], name: string): string | undefined {
  let joined: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length !== name.length || rawHeaders[i]!.toLowerCase() !== name) continue
    joined = joined === undefined ? rawHeaders[i + 1]! : `${joined}, ${rawHeaders[i + 1]!}`
  }
  return joined
}

/**
 * Has the application's answer tell, when its head is written, the load of that moment, unless the application tells it itself;
 * and with a failure, that what is behind it has been tried again.
 */
export function tellCaller(response: ServerResponse, { loadReport, chain }: Inbound): void {
  const writeHead = response.writeHead.bind(response) as (...head: unknown[]) => ServerResponse
  response.writeHead = (...head: unknown[]): ServerResponse => {
    if (!response.headersSent) {
      if (loadReport !== undefined && !response.hasHeader(LOAD_REPORT_HEADER)) response.setHeader(LOAD_REPORT_HEADER, loadReport())
      if (chain.spent && isFailure(Number(head[0]))) response.setHeader(RETRIED_HEADER, '1')
    }
    return writeHead(...head)
  }
}

/** Fulfils when the application has answered or the connection is gone; `route` is asked then, when the router has run. */
export function answered(response: ServerResponse, route: () => string | undefined): Promise<InboundReply> {
  return new Promise((resolve) => {
    const tell = (): void =>
      resolve({ status: response.statusCode, route: route(), aborted: !response.writableFinished, answer: undefined })
    response.once('finish', tell)
    response.once('close', tell)
  })
}

/**
 * Fulfils when an answer to a request that the application never saw may be sent. One that ends the connection waits for
 * the request's body: a connection that is closed with bytes unread is reset, and takes the answer with it (RFC 9112 §9.6).
 */
export function sendable(request: IncomingMessage, { headers }: Answer): Promise<void> {
  return new Promise((resolve) => {
    if (headers['connection'] !== 'close' || request.complete || request.destroyed) return resolve()
    request.once('end', resolve).once('close', resolve).resume()
  })
}
