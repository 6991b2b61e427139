import type { Readable } from 'node:stream'
import { MeshError } from '../base/errors.js'

/** A body that comes in pieces and can be read once. */
export type BodyStream = Readable | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>

/** What can be sent. Strings, bytes, and streams that a function makes anew can be sent again; a stream itself is read once. */
export type RequestBody = null | string | Uint8Array | BodyStream | (() => BodyStream)

/** Whether it comes in pieces and can be read once. */
export function isStream(body: RequestBody): body is BodyStream {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}

/** Whether the same bytes can be sent a second time, and even twice at once. A dispatcher is given forms and blobs too. */
export function isReplayable(body: RequestBody): boolean {
  if (typeof body !== 'object' || body === null || body instanceof Uint8Array) return true
  return body instanceof Blob || body instanceof FormData
}

/** What one attempt sends: what a function makes, made now. */
export function openBody(body: RequestBody): Exclude<RequestBody, () => BodyStream> {
  if (typeof body !== 'function') return body
  try {
    return body()
  } catch (cause) {
    throw new MeshError('MESH_ERR_REQUEST', `The function that makes the body threw: ${String(cause)}`, { cause })
  }
}
