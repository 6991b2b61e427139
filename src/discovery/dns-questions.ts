import type { RecordWithTtl, SrvRecord } from 'node:dns'
import { Resolver } from 'node:dns/promises'
import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { DnsSettings } from './dns-options.js'

/** What can be asked. That a name does not exist, or has no such record, is an empty answer; none throws `MESH_ERR_REGISTRY`. */
export interface DnsQuestions {
  services(name: string): Promise<readonly SrvRecord[]>
  /** With the seconds for which each may be remembered. */
  addresses(name: string, type: 'A' | 'AAAA'): Promise<readonly RecordWithTtl[]>
}

/** NXDOMAIN and NODATA: the server has answered, and the answer is none. */
const NONE: ReadonlySet<unknown> = new Set(['ENOTFOUND', 'ENODATA'])

/**
 * Lets `look` ask for `timeoutMs`, or until `signal` aborts; what has no answer by then fails. Node's resolver asks for a
 * name as it stands, without search domains, turns to TCP when an answer is cut short, and keeps the process alive while
 * a question is open, which nothing but the end of the question can change.
 */
export async function askDns<T>(
  { servers, timeoutMs }: DnsSettings,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  look: (questions: DnsQuestions) => Promise<T>,
): Promise<T> {
  // Anew each time, so that a change of the system's name servers is seen. A lost packet leaves time for a second one.
  const resolver = new Resolver({ timeout: Math.ceil(timeoutMs / 4), tries: 2 })
  if (servers !== undefined) resolver.setServers(servers)
  const cancel = (): void => resolver.cancel()
  const timer = clock.after(timeoutMs, cancel)
  signal.addEventListener('abort', cancel)

  const ask = async <R>(what: string, asked: Promise<R[]>): Promise<readonly R[]> => {
    try {
      return await asked
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      if (NONE.has(code)) return []
      const reason = code === 'ECANCELLED' || code === 'ETIMEOUT' ? `no answer within ${timeoutMs} ms` : code
      throw new MeshError('MESH_ERR_REGISTRY', `DNS does not tell ${what}: ${reason}`, { cause })
    }
  }
  const addresses = { A: resolver.resolve4.bind(resolver), AAAA: resolver.resolve6.bind(resolver) }
  try {
    return await look({
      services: (name) => ask(`SRV of '${name}'`, resolver.resolveSrv(name)),
      addresses: (name, type) => ask(`${type} of '${name}'`, addresses[type](name, { ttl: true })),
    })
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', cancel)
  }
}
