import type { KeyObject } from 'node:crypto'
import type { Clock } from '../base/clock.js'
import { signerWith } from './signer.js'
import type { TokenFile } from './token-file.js'

/** What a request for a token says of who asks, by header and by form. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>
  readonly form: Readonly<Record<string, string>>
}

/** Shows an issuer who asks for a token; asked anew for each request. */
export type ClientAuthentication = () => Credentials | Promise<Credentials>

/** `typ` of a JWT by which a client shows who it is (draft-ietf-oauth-rfc7523bis): no other kind of token passes for one. */
export const CLIENT_ASSERTION_TYPE = 'client-authentication+jwt'
export const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const JWT_TOKEN = 'urn:ietf:params:oauth:token-type:jwt'
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

/** Long enough for two clocks that differ by half a minute, and used once. */
const ASSERTION_LIFETIME_MS = 60_000

/** The client credentials grant with a secret (RFC 6749 §2.3.1, §4.4). */
export function bySecret(service: string, secret: string): ClientAuthentication {
  const basic = Buffer.from(`${formEncoded(service)}:${formEncoded(secret)}`).toString('base64')
  return () => ({ headers: { authorization: `Basic ${basic}` }, form: { grant_type: 'client_credentials' } })
}

/**
 * The client credentials grant with a key, `private_key_jwt` (RFC 7523 §2.2). The audience is the issuer and nothing else: a
 * token endpoint may be named by whoever answers in the issuer's place, and could show the assertion to the true one.
 */
export function byKey(service: string, key: KeyObject, issuer: string, clock: Clock): ClientAuthentication {
  const signer = signerWith(key, clock, CLIENT_ASSERTION_TYPE)
  return async () => ({
    headers: {},
    form: {
      grant_type: 'client_credentials',
      client_id: service,
      client_assertion_type: JWT_BEARER,
      client_assertion: await signer.sign({ iss: service, sub: service, aud: issuer, lifetimeMs: ASSERTION_LIFETIME_MS }),
    },
  })
}

/** The exchange of a token from a file, such as that of a Kubernetes service account, for one of the issuer (RFC 8693). */
export function byExchange(service: string, file: TokenFile): ClientAuthentication {
  return async () => ({
    headers: {},
    form: {
      grant_type: TOKEN_EXCHANGE,
      client_id: service,
      subject_token: await file.token(),
      subject_token_type: JWT_TOKEN,
      requested_token_type: ACCESS_TOKEN,
    },
  })
}

/** Client id and secret are form-encoded before they become user and password (RFC 6749 §2.3.1). */
function formEncoded(value: string): string {
  return new URLSearchParams({ v: value }).toString().slice('v='.length)
}
