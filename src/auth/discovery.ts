import { MeshError } from '../base/errors.js'
import type { HttpClient } from '../base/http.js'

export interface IssuerAccess {
  /** The issuer's URL, letter for letter as it stands in its tokens. */
  readonly issuer: string
  readonly http: HttpClient
  /** Time for one request to the issuer. */
  readonly timeoutMs: number
}

/** Nothing that an issuer answers is large; a set of a hundred RSA keys has some 50 KiB. */
export const MAX_ISSUER_BYTES = 256 * 1024

/**
 * Asks an issuer for one of its endpoints (OpenID Connect Discovery 1.0 §4). The endpoint must lie on the issuer's own
 * origin: whoever could change the document could otherwise have client secrets sent, or keys fetched, anywhere.
 */
export async function discoverEndpoint(access: IssuerAccess, name: 'token_endpoint' | 'jwks_uri'): Promise<string> {
  const url = `${access.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const metadata = await fetchJson(access, url)
  if (metadata['issuer'] !== access.issuer) {
    throw failed(url, `it speaks for another issuer; identity.issuer must be letter for letter what the document says`)
  }
  const endpoint = metadata[name]
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) throw failed(url, `it names no ${name}`)
  if (new URL(endpoint).origin !== new URL(access.issuer).origin) {
    throw failed(url, `its ${name} is on another origin; configure it yourself if that is meant`)
  }
  return endpoint
}

/** A JSON object from a URL of the configuration. */
export async function fetchJson({ http, timeoutMs }: IssuerAccess, url: string, bearer?: string): Promise<Readonly<Record<string, unknown>>> {
  const headers = { accept: 'application/json', ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }) }
  const answer = await http.request({ url, timeoutMs, maxBytes: MAX_ISSUER_BYTES, headers })
  if (answer.status !== 200) throw failed(url, `status ${answer.status}`)
  return jsonObject(url, answer.body)
}

/** The JSON object in a body. */
export function jsonObject(url: string, body: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch {
    // The parser's own message would quote the body, and a body may hold a token.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw failed(url, 'it is not a JSON object')
  return value as Record<string, unknown>
}

function failed(url: string, reason: string): MeshError {
  return new MeshError('MESH_ERR_HTTP', `The answer of ${url} is of no use: ${reason}`)
}
