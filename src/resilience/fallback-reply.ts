import { fields, mapOf, optionError, text, wholeNumber } from '../base/validate.js'
import { BodyFlow } from '../call/body-flow.js'
import type { Endpoint } from '../call/endpoint.js'
import { Reply } from '../call/reply.js'

/** An answer in the place of the one that failed. */
export interface FallbackReply {
  /** Default 200. */
  readonly status?: number | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** A value answered as JSON, with `content-type: application/json`. */
  readonly json?: unknown
  /** Text or bytes, in the place of `json`. */
  readonly body?: string | Uint8Array | undefined
}

const readReply = fields<FallbackReply>({
  status: wholeNumber(200, 599),
  headers: mapOf(text, text),
  json: (value) => value,
  body: (value, path) => {
    if (typeof value === 'string' || value instanceof Uint8Array) return value
    throw optionError(path, 'text or bytes', value)
  },
})

/** Where such an answer comes from. */
const NOWHERE: Endpoint = Object.freeze({
  id: 'fallback',
  host: 'localhost',
  port: 0,
  weight: 0,
  status: 'draining',
  zone: undefined,
  region: undefined,
  priority: 0,
  metadata: Object.freeze({}),
})

/** Makes a reply of what an application gave, after so many attempts. Throws `MESH_ERR_OPTION` when it is something else. */
export function fallbackReply(given: unknown, path: string, attempts: number): Reply {
  const { status = 200, headers: fields = {}, json, body } = readReply(given, path)
  const headers: Record<string, string> = json === undefined ? {} : { 'content-type': 'application/json' }
  for (const [name, value] of Object.entries(fields)) headers[name.toLowerCase()] = value
  const flow = new BodyFlow({ pause: () => {}, resume: () => {}, abort: () => {} })
  const content = json === undefined ? body : JSON.stringify(json)
  if (content !== undefined && content.length > 0) flow.push(Buffer.from(content))
  flow.end({})
  return new Reply({ status, headers, endpoint: NOWHERE, attempts, flow, fallback: true })
}
