import { Resolver } from 'node:dns/promises'
import { MeshError } from '../base/errors.js'
import { fields, listOf, oneOf, optionError, port, required, text, wholeNumber, type Reader } from '../base/validate.js'

export interface DnsOptions {
  /**
   * The name to ask for, in full, since search domains are not tried: `'_{service}._tcp.mesh.example'` with the service in
   * the braces' place, or a function from service to name.
   */
  readonly name: string | ((service: string) => string)
  /** What to ask for: `'SRV'` tells ports and weights, `'A'` and `'AAAA'` tell addresses alone. Default `'SRV'`. */
  readonly type?: 'SRV' | 'A' | 'AAAA' | undefined
  /** Port of every endpoint; to be given with `'A'` and `'AAAA'` and not with `'SRV'`, which tells its own. */
  readonly port?: number | undefined
  /** Name servers, such as `'10.0.0.2'`, `'127.0.0.1:5353'` or `'[::1]:53'`. Default: those of the system. */
  readonly servers?: readonly string[] | undefined
  /**
   * Longest time from one look to the next, 10 or more; a time to live that ends sooner shortens it, and so does the
   * resolver's `relistMs`. Default 5000.
   */
  readonly intervalMs?: number | undefined
  /** Time for one look with all its questions, 10 or more. Default 3000. */
  readonly timeoutMs?: number | undefined
}

export const dnsDefaults = Object.freeze({ type: 'SRV', intervalMs: 5_000, timeoutMs: 3_000 })

export interface DnsSettings {
  nameOf(service: string): string
  /** What to ask for; addresses are told with the port that they are to be used with. */
  readonly records: { readonly type: 'SRV' } | { readonly type: 'A' | 'AAAA'; readonly port: number }
  /** Undefined leaves them to the system. */
  readonly servers: readonly string[] | undefined
  readonly intervalMs: number
  readonly timeoutMs: number
}

const PLACE = '{service}'

const nameOption: Reader<DnsOptions['name']> = (value, path) => {
  if (typeof value === 'function') return value as (service: string) => string
  if (typeof value === 'string' && value.includes(PLACE)) return value
  throw optionError(path, `a name with ${PLACE} in it, or a function from service to name`, value)
}

const serversOption: Reader<readonly string[]> = (value, path) => {
  const servers = listOf(text)(value, path)
  if (servers.length === 0) throw optionError(path, 'at least one name server', value)
  servers.forEach((server, i) => {
    try {
      new Resolver().setServers([server])
    } catch {
      throw optionError(`${path}[${i}]`, "the IP address of a name server, such as '10.0.0.2' or '127.0.0.1:5353'", server)
    }
  })
  return servers
}

const readOptions = fields<DnsOptions>({
  name: nameOption,
  type: oneOf('SRV', 'A', 'AAAA'),
  port,
  servers: serversOption,
  intervalMs: wholeNumber(10, 86_400_000),
  timeoutMs: wholeNumber(10, 60_000),
})

/** Throws `MESH_ERR_OPTION`. */
export function readDnsOptions(options: DnsOptions): DnsSettings {
  const given = readOptions(options, 'dns')
  const name = required(given.name, 'dns.name', `a name with ${PLACE} in it, or a function from service to name`)
  return {
    nameOf: (service) => (typeof name === 'string' ? name.replaceAll(PLACE, service) : namedBy(name, service)),
    records: recordsOf(given),
    servers: given.servers,
    intervalMs: given.intervalMs ?? dnsDefaults.intervalMs,
    timeoutMs: given.timeoutMs ?? dnsDefaults.timeoutMs,
  }
}

function recordsOf({ type = dnsDefaults.type, port }: Partial<DnsOptions>): DnsSettings['records'] {
  const wanted = `the port of the endpoints, which ${type} records do not tell`
  if (type !== 'SRV') return { type, port: required(port, 'dns.port', wanted) }
  if (port !== undefined) throw new MeshError('MESH_ERR_OPTION', 'dns.port: expected none, since SRV records tell their own')
  return { type }
}

function namedBy(name: (service: string) => string, service: string): string {
  return text(name(service), `dns.name('${service}')`)
}
