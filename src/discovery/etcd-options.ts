import { MeshError } from '../base/errors.js'
import type { HttpTls } from '../base/http.js'
import { fields, httpUrl, listOf, optionError, text, wholeNumber, type Reader } from '../base/validate.js'

export interface EtcdOptions {
  /**
   * URLs of the members' client ports; when one fails, the next is asked. Default: `ETCDCTL_ENDPOINTS`, a list with commas
   * as etcd's own tool reads it, else `http://127.0.0.1:2379`.
   */
  readonly endpoints?: readonly string[] | undefined
  /** What the keys begin with, and ends with a slash. Default `/sidecarless/services/`. */
  readonly prefix?: string | undefined
  /** Who asks, where etcd has users. Default: `ETCDCTL_USER`, written `name:password`, else nobody. */
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** For `https://` endpoints, as PEM text: whom to trust instead of the system's authorities, and who this client is. */
  readonly tls?: HttpTls | undefined
  /**
   * How long an instance that has stopped saying that it lives is still served, 1000 or more. etcd counts whole seconds and
   * has a shortest time of its own, as a rule 2 s. Default 15000.
   */
  readonly ttlMs?: number | undefined
  /**
   * How long a watch may say nothing before the whole list is read again, 1000–600000, so that one that has died in silence
   * is noticed. Up to a quarter less, so that clients spread out. Default 45000.
   */
  readonly relistMs?: number | undefined
}

export const etcdDefaults = Object.freeze({
  endpoints: Object.freeze(['http://127.0.0.1:2379']),
  prefix: '/sidecarless/services/',
  ttlMs: 15_000,
  relistMs: 45_000,
})

export interface EtcdUser {
  readonly name: string
  readonly password: string
}

export interface EtcdSettings {
  /** Base URLs without a slash at their ends. */
  readonly endpoints: readonly string[]
  readonly prefix: string
  readonly user: EtcdUser | undefined
  readonly tls: HttpTls
  readonly ttlMs: number
  readonly relistMs: number
}

const prefix: Reader<string> = (value, path) => {
  if (typeof value !== 'string' || !value.endsWith('/')) throw optionError(path, "a prefix that ends with '/'", value)
  return value
}

const atLeastOne: Reader<readonly string[]> = (value, path) => {
  const endpoints = listOf(httpUrl)(value, path)
  if (endpoints.length === 0) throw optionError(path, 'at least one URL', value)
  return endpoints
}

/** A key is never shown. */
const pem: Reader<string> = (value, path) => {
  if (typeof value === 'string' && value.includes('-----BEGIN ')) return value
  throw new MeshError('MESH_ERR_OPTION', `${path}: expected PEM text`)
}

/** Neither is a password. */
const secret: Reader<string> = (value, path) => {
  if (typeof value === 'string' && value !== '') return value
  throw new MeshError('MESH_ERR_OPTION', `${path}: expected a non-empty string`)
}

const readOptions = fields<EtcdOptions>({
  endpoints: atLeastOne,
  prefix,
  username: text,
  password: secret,
  tls: fields<HttpTls>({ ca: pem, cert: pem, key: pem }),
  ttlMs: wholeNumber(1_000, 86_400_000),
  relistMs: wholeNumber(1_000, 600_000),
})

/** Reads the options, and the environment where they are silent. Throws `MESH_ERR_OPTION`. */
export function readEtcdOptions(options: EtcdOptions): EtcdSettings {
  const given = readOptions(options, 'etcd')
  const { tls = {} } = given
  const endpoints = (given.endpoints ?? endpointsFromEnvironment() ?? etcdDefaults.endpoints).map((url) => url.replace(/\/$/, ''))
  const plain = endpoints.find((url) => url.startsWith('http:'))
  if (given.tls !== undefined && plain !== undefined) throw optionError('etcd.tls', 'https:// endpoints', plain)
  if ((tls.cert === undefined) !== (tls.key === undefined)) {
    throw new MeshError('MESH_ERR_OPTION', 'etcd.tls: expected cert and key together, got one of them')
  }
  return {
    endpoints,
    prefix: given.prefix ?? etcdDefaults.prefix,
    user: userOf(given) ?? userFromEnvironment(),
    tls,
    ttlMs: given.ttlMs ?? etcdDefaults.ttlMs,
    relistMs: given.relistMs ?? etcdDefaults.relistMs,
  }
}

function userOf({ username, password }: EtcdOptions): EtcdUser | undefined {
  if (username === undefined && password === undefined) return undefined
  if (username === undefined) throw new MeshError('MESH_ERR_OPTION', 'etcd.username: expected one beside the password')
  if (password === undefined) throw new MeshError('MESH_ERR_OPTION', 'etcd.password: expected one beside the username')
  return { name: username, password }
}

function endpointsFromEnvironment(): readonly string[] | undefined {
  const given = process.env['ETCDCTL_ENDPOINTS']
  if (given === undefined || given === '') return undefined
  const endpoints = given.split(',').map((endpoint) => endpoint.trim())
  return atLeastOne(endpoints.map((each) => (/^[a-z]+:\/\//i.test(each) ? each : `http://${each}`)), 'ETCDCTL_ENDPOINTS')
}

function userFromEnvironment(): EtcdUser | undefined {
  const given = process.env['ETCDCTL_USER']
  if (given === undefined || given === '') return undefined
  const colon = given.indexOf(':')
  if (colon < 1) throw new MeshError('MESH_ERR_OPTION', 'ETCDCTL_USER: expected name:password')
  return { name: given.slice(0, colon), password: given.slice(colon + 1) }
}
