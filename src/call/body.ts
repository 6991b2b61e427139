import type { Readable } from 'node:stream'

/** What can be sent. Strings and bytes can be sent again; a stream is read once. */
export type RequestBody = null | string | Uint8Array | Readable | AsyncIterable<Uint8Array>

/** Whether the same bytes can be sent a second time. */
export function isReplayable(body: RequestBody): boolean {
  return body === null || typeof body === 'string' || body instanceof Uint8Array
}
