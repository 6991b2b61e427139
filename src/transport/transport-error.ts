import { MeshError, type MeshErrorCode, type Processed } from '../base/errors.js'
import type { Attempt } from '../call/call.js'
import { addressOf } from '../call/endpoint.js'

/** How far an exchange had come when it failed. */
export type Progress = 'waiting' | 'sent' | 'answered'

const PROCESSED: Readonly<Record<Progress, Processed>> = {
  // No byte was written: no server can have acted on it.
  waiting: 'no',
  // A closed connection does not prove that the server had not read everything.
  sent: 'maybe',
  answered: 'yes',
}

// Told by code, as undici asks for; its parser's errors have none where HTTP has not even begun, and are told by name.
const BAD_REQUEST = new Set(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH'])
// What a system says that has no more descriptors, ports or memory for a socket: nothing that the endpoint could help.
const NO_SOCKET = new Set(['EMFILE', 'ENFILE', 'EADDRNOTAVAIL', 'ENOBUFS', 'ENOMEM'])
// Over HTTP/2 a server can say that it has not looked at a request (RFC 9113 §8.7); undici's error has only words for it.
const REFUSED_STREAM = /\bNGHTTP2_REFUSED_STREAM\b/
// A server that refuses our certificate says so after this side has taken the connection for good (RFC 8446 §4.4.2.4).
const REFUSED_BY_PEER = /^ERR_SSL_\w*_ALERT_(?:\w*CERTIFICATE\w*|UNKNOWN_CA)$/
const BAD_RESPONSE = /^(?:HPE_|HTTPParserError$|UND_ERR_HEADERS_OVERFLOW$|UND_ERR_RES_|UND_ERR_RESPONSE)/

/** Says in this package's words why an attempt failed; an error of ours passes unchanged. */
export function transportError(error: Error & { code?: string }, attempt: Attempt, progress: Progress): Error {
  if (error instanceof MeshError) return error
  const { method, path } = attempt.call
  const address = addressOf(attempt.endpoint)
  const fail = (code: MeshErrorCode, message: string, processed: Processed): MeshError =>
    failure(attempt, code, `${message} (${reasonOf(error)})`, processed, error)

  const code = error.code ?? error.name
  if (BAD_REQUEST.has(code)) return fail('MESH_ERR_REQUEST', `${method} ${withoutQuery(path)} cannot be sent`, PROCESSED[progress])
  if (BAD_RESPONSE.test(code) && progress !== 'waiting') {
    return fail('MESH_ERR_RESPONSE', `${address} answered with something that is not good HTTP`, PROCESSED[progress])
  }
  if (progress === 'waiting' && NO_SOCKET.has(code)) return fail('MESH_ERR_NO_SOCKET', `this system has no socket left to connect to ${address}`, 'no')
  if (progress === 'waiting' && code === 'ERR_MESH_PEER') return failure(attempt, 'MESH_ERR_TLS', `no trusted connection to ${address}: ${error.message}`, 'no', error)
  if (progress === 'sent' && REFUSED_BY_PEER.test(code)) return fail('MESH_ERR_TLS', `${address} refused the certificate of this process`, 'no')
  if (progress === 'sent' && REFUSED_STREAM.test(error.message)) return fail('MESH_ERR_CONNECTION', `${address} refused the request unread`, 'no')
  if (progress === 'waiting') return fail('MESH_ERR_CONNECT', `no connection to ${address}; is the instance running?`, 'no')
  if (progress === 'sent') return fail('MESH_ERR_CONNECTION', `${address} closed the connection before it answered`, 'maybe')
  return fail('MESH_ERR_CONNECTION', `the answer of ${address} was cut short`, 'yes')
}

/** All connections to the endpoint are taken, and all places in the queue for one. */
export function noPlace(attempt: Attempt): MeshError {
  const message = `maxConnections to ${addressOf(attempt.endpoint)} are in use, and maxWaiting requests wait for one already`
  return failure(attempt, 'MESH_ERR_NO_SOCKET', message, 'no')
}

/** The reason why an attempt was given up that had not begun: an attempt's timeout does not know that no byte was written. */
export function givenUpWaiting(reason: Error): Error {
  if (!(reason instanceof MeshError) || reason.code !== 'MESH_ERR_ATTEMPT_TIMEOUT') return reason
  const { code, message, service, endpoint, attempts } = reason
  return new MeshError(code, `${message}; nothing was sent: it waited for a connection`, { service, endpoint, attempts, processed: 'no' })
}

/** Nothing is sent to an endpoint that cannot be called as the service wants to be. */
export function refusedUnsent(attempt: Attempt, reason: Error): MeshError {
  return failure(attempt, 'MESH_ERR_TLS', `${addressOf(attempt.endpoint)} is not called: ${reason.message}`, 'no', reason)
}

/** The connection was opened by somebody else. */
export function unverified(attempt: Attempt): MeshError {
  return failure(attempt, 'MESH_ERR_TLS', 'transport.createPool made a pool that does not open its connections with options.connect', 'no')
}

/** An authority is no longer trusted, and what went on over its connections has had its time. */
export function distrusted(address: string): MeshError {
  return new MeshError('MESH_ERR_TLS', `${address}: its connection was made when an authority was trusted that no longer is`, { processed: 'maybe' })
}

/** The answer was announced, again and again, and did not come. */
export function badAnnouncements(attempt: Attempt): MeshError {
  return failure(attempt, 'MESH_ERR_RESPONSE', `${addressOf(attempt.endpoint)} sends interim answers without end`, 'maybe')
}

function failure({ call, endpoint }: Attempt, code: MeshErrorCode, message: string, processed: Processed, cause?: Error): MeshError {
  const { service, resends } = call
  return new MeshError(code, `${service}: ${message}`, { service, endpoint: endpoint.id, attempts: resends + 1, processed, cause })
}

function reasonOf(error: Error & { code?: string }): string {
  // A failed connection to a name with several addresses has a code and no message.
  if (error.message === '') return error.code ?? error.name
  return error.code === undefined || error.message.includes(error.code) ? error.message : `${error.code}: ${error.message}`
}

function withoutQuery(path: string): string {
  return path.split('?', 1)[0]!
}
