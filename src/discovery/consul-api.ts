import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { createHttpClient, type HttpAnswer } from '../base/http.js'

/** Where Consul is and who asks. */
export interface ConsulAddress {
  /** Base URL without a slash at its end. */
  readonly url: string
  readonly token: string | undefined
}

export interface ConsulRequest {
  readonly method: 'GET' | 'PUT'
  /** Below `/v1`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly json?: unknown
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** A conversation with one Consul: whoever opens it closes it. */
export interface ConsulApi {
  /** The answer, whatever its status. Throws `MESH_ERR_REGISTRY` when there is none. */
  ask(request: ConsulRequest): Promise<HttpAnswer>
  close(): Promise<void>
}

/** A list of 10,000 instances with their checks is some 15 MB. */
const MAX_BYTES = 64 * 1024 * 1024

export function openConsul({ url, token }: ConsulAddress, clock: Clock): ConsulApi {
  const http = createHttpClient(clock)
  const headers = { ...(token !== undefined && { 'x-consul-token': token }), 'content-type': 'application/json' }
  return {
    async ask({ method, path, query = {}, json, timeoutMs, signal }) {
      const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined)
      const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`
      try {
        return await http.request({
          method,
          url: `${url}/v1${path}${search}`,
          headers,
          ...(json !== undefined && { body: JSON.stringify(json) }),
          timeoutMs,
          maxBytes: MAX_BYTES,
          ...(signal !== undefined && { signal }),
        })
      } catch (cause) {
        throw new MeshError('MESH_ERR_REGISTRY', `Consul does not answer at ${url}: ${(cause as Error).message}`, { cause })
      }
    },
    close: () => http.close(),
  }
}

/** The error for an answer that is not 200. Consul says why in plain text. */
export function consulRefusal(what: string, { status, body }: HttpAnswer): MeshError {
  return new MeshError('MESH_ERR_REGISTRY', `Consul would not ${what}: status ${status}: ${body.slice(0, 200).trim()}`)
}
