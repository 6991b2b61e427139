import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'
import { Refusal } from '../http/answer.js'
import { JWT_BEARER, JWT_TOKEN, ACCESS_TOKEN, TOKEN_EXCHANGE } from '../../auth/client-authentication.js'
import { isServiceName, type Credentials } from './clients.js'

/** The error codes of RFC 6749 §5.2, RFC 8707 §2 and RFC 9449 §5 that this issuer gives. */
export type OAuthErrorCode = 'invalid_request' | 'invalid_client' | 'unsupported_grant_type' | 'invalid_scope' | 'invalid_target' | 'invalid_dpop_proof'

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
  readonly credentials: Credentials
  readonly audience: string
}

/** Asking for them is refused: to ignore them would give a token that allows less, or more, than its holder believes. */
const MEANT_FOR_OTHERS = ['sub', 'subject', 'requested_subject', 'actor_token', 'exp', 'expires_in', 'lifetime', 'requested_lifetime']

/** Reads a request for a token by the client credentials grant, or by an exchange. Throws {@link OAuthRefusal}. */
export function readTokenRequest(headers: IncomingHttpHeaders, body: string): TokenRequest {
  const [type] = (headers['content-type'] ?? '').toLowerCase().split(';')
  if (type?.trim() !== 'application/x-www-form-urlencoded') {
    throw new OAuthRefusal('invalid_request', 'send the parameters as application/x-www-form-urlencoded')
  }
  const form = new URLSearchParams(body)
  const grantType = only(form, 'grant_type')
  const credentials = grantType === TOKEN_EXCHANGE ? readExchange(headers.authorization, form) : readCredentials(headers.authorization, form)
  if (grantType === '') throw new OAuthRefusal('invalid_request', 'grant_type is missing; it must be client_credentials')
  if (grantType !== 'client_credentials' && grantType !== TOKEN_EXCHANGE) {
    throw new OAuthRefusal('unsupported_grant_type', 'it must be client_credentials or a token exchange')
  }
  // Ignoring a scope would give a token that allows more than its holder believes.
  if (only(form, 'scope') !== '') throw new OAuthRefusal('invalid_scope', 'this issuer gives no scopes; leave scope out')
  const foreign = MEANT_FOR_OTHERS.find((name) => form.has(name))
  if (foreign !== undefined) throw new OAuthRefusal('invalid_request', `${foreign} cannot be chosen: a token is for its client, for minutes`)
  return { credentials, audience: readAudience(form) }
}

/** client_secret_basic, client_secret_post (RFC 6749 §2.3.1) or private_key_jwt (RFC 7523 §2.2), never two of them. */
function readCredentials(authorization: string | undefined, form: URLSearchParams): Credentials {
  const id = only(form, 'client_id')
  const secret = only(form, 'client_secret')
  const assertion = only(form, 'client_assertion')
  const ways = [authorization, secret, assertion].filter((way) => way !== undefined && way !== '')
  if (ways.length > 1) throw new OAuthRefusal('invalid_request', 'show who you are in one way, and the secret in one place')
  if (assertion !== '') {
    if (only(form, 'client_assertion_type') !== JWT_BEARER) throw new OAuthRefusal('invalid_request', `client_assertion_type must be ${JWT_BEARER}`)
    if (id === '') throw unauthenticated('client_id is missing')
    return { id, assertion }
  }
  if (authorization === undefined) {
    if (id === '' || secret === '') throw unauthenticated('client_id and client_secret are missing')
    return { id, secret }
  }
  const [, packed] = /^basic +([\w+/=-]+)$/i.exec(authorization) ?? []
  const [user = '', ...password] = Buffer.from(packed ?? '', 'base64').toString('utf8').split(':')
  if (password.length === 0) throw unauthenticated('the Authorization header is not Basic')
  const basic = { id: formDecoded(user), secret: formDecoded(password.join(':')) }
  if (id === '' || id === basic.id) return basic
  throw new OAuthRefusal('invalid_request', 'client_id differs from the user of the Authorization header')
}

/** The token to exchange is what shows who asks (RFC 8693 §2.1). */
function readExchange(authorization: string | undefined, form: URLSearchParams): Credentials {
  const id = only(form, 'client_id')
  const subjectToken = only(form, 'subject_token')
  if (authorization !== undefined || form.has('client_secret') || form.has('client_assertion')) {
    throw new OAuthRefusal('invalid_request', 'in an exchange the subject_token alone shows who asks')
  }
  if (id === '' || subjectToken === '') throw new OAuthRefusal('invalid_request', 'client_id and subject_token are needed')
  if (only(form, 'subject_token_type') !== JWT_TOKEN) throw new OAuthRefusal('invalid_request', `subject_token_type must be ${JWT_TOKEN}`)
  const wanted = only(form, 'requested_token_type')
  if (wanted !== '' && wanted !== ACCESS_TOKEN) throw new OAuthRefusal('invalid_request', `requested_token_type must be ${ACCESS_TOKEN}`)
  return { id, subjectToken }
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
