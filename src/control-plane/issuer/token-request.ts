import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { Refusal } from '../http/answer.js'
import { isServiceName } from './clients.js'

/** The error codes of RFC 6749 §5.2 and RFC 8707 §2 that this issuer gives. */
export type OAuthErrorCode = 'invalid_request' | 'invalid_client' | 'unsupported_grant_type' | 'invalid_scope' | 'invalid_target'

/** A refusal of the token endpoint. */
export class OAuthRefusal extends Refusal {
  constructor(
    readonly code: OAuthErrorCode,
    description: string,
    headers: OutgoingHttpHeaders = {},
  ) {
    super(code === 'invalid_client' ? 401 : 400, description, headers)
  }
}

export interface TokenRequest {
  readonly clientId: string
  readonly clientSecret: string
  readonly audience: string
}

/** Reads a request for a token by the client credentials grant. Throws {@link OAuthRefusal}. */
export function readTokenRequest(headers: IncomingHttpHeaders, body: string): TokenRequest {
  const [type] = (headers['content-type'] ?? '').toLowerCase().split(';')
  if (type?.trim() !== 'application/x-www-form-urlencoded') {
    throw new OAuthRefusal('invalid_request', 'send the parameters as application/x-www-form-urlencoded')
  }
  const form = new URLSearchParams(body)
  const credentials = readCredentials(headers.authorization, form)
  const grantType = only(form, 'grant_type')
  if (grantType === '') throw new OAuthRefusal('invalid_request', 'grant_type is missing; it must be client_credentials')
  if (grantType !== 'client_credentials') throw new OAuthRefusal('unsupported_grant_type', 'it must be client_credentials')
  // Ignoring a scope would give a token that allows more than its holder believes.
  if (only(form, 'scope') !== '') throw new OAuthRefusal('invalid_scope', 'this issuer gives no scopes; leave scope out')
  return { ...credentials, audience: readAudience(form) }
}

/** client_secret_basic or client_secret_post (RFC 6749 §2.3.1), never both. */
function readCredentials(authorization: string | undefined, form: URLSearchParams): Omit<TokenRequest, 'audience'> {
  const clientId = only(form, 'client_id')
  const clientSecret = only(form, 'client_secret')
  if (authorization === undefined) {
    if (clientId === '' || clientSecret === '') throw unauthenticated('client_id and client_secret are missing')
    return { clientId, clientSecret }
  }
  if (clientSecret !== '') throw new OAuthRefusal('invalid_request', 'give the secret in one place, the header or the body')
  const [, packed] = /^basic +([\w+/=-]+)$/i.exec(authorization) ?? []
  const [user = '', ...password] = Buffer.from(packed ?? '', 'base64').toString('utf8').split(':')
  if (password.length === 0) throw unauthenticated('the Authorization header is not Basic')
  const basic = { clientId: formDecoded(user), clientSecret: formDecoded(password.join(':')) }
  if (clientId === '' || clientId === basic.clientId) return basic
  throw new OAuthRefusal('invalid_request', 'client_id differs from the user of the Authorization header')
}

/** The called service: `audience=users`, or as a resource indicator (RFC 8707) `resource=http://users`. */
function readAudience(form: URLSearchParams): string {
  const named = form.getAll('audience')
  const meant = new Set([...named, ...form.getAll('resource').map(serviceOf)])
  const [audience, ...others] = meant
  if (audience === undefined) throw new OAuthRefusal('invalid_target', 'audience is missing; name the called service')
  if (others.length > 0) throw new OAuthRefusal('invalid_target', 'a token is for one service; ask for one audience')
  if (!isServiceName(audience)) throw new OAuthRefusal('invalid_target', 'audience must be the name of a service, such as users')
  return audience
}

function serviceOf(resource: string): string {
  const url = URL.canParse(resource) ? new URL(resource) : undefined
  if (url === undefined || url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    throw new OAuthRefusal('invalid_target', 'resource must be the URL of a service without a path, such as http://users')
  }
  return url.hostname.replace(/\.mesh$/, '')
}

/** A parameter, or '' when it is absent. A repeated one is an error (RFC 6749 §3.2). */
function only(form: URLSearchParams, name: string): string {
  const [value = '', ...more] = form.getAll(name)
  if (more.length > 0) throw new OAuthRefusal('invalid_request', `${name} is given more than once`)
  return value
}

export function unauthenticated(description: string): OAuthRefusal {
  return new OAuthRefusal('invalid_client', description, { 'www-authenticate': 'Basic realm="sidecarless", charset="UTF-8"' })
}

function formDecoded(text: string): string {
  return new URLSearchParams(`v=${text.replaceAll('&', '%26')}`).get('v')!
}
