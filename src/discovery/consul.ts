import { systemClock, type Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { HttpAnswer } from '../base/http.js'
import { pause } from '../base/pause.js'
import { fields, httpUrl, listOf, text, wholeNumber } from '../base/validate.js'
import { consulRefusal, openConsul, type ConsulAddress } from './consul-api.js'
import { endpointsOfHealth } from './consul-health.js'
import { registerInConsul } from './consul-registration.js'
import type { RawSnapshot, Registry } from './registry.js'

export interface ConsulOptions {
  /**
   * URL of the HTTP API. Default: `CONSUL_HTTP_ADDR` (with `CONSUL_HTTP_SSL`, as Consul's own tools read them), else
   * `http://127.0.0.1:7117`, the embedded control plane.
   */
  readonly address?: string | undefined
  /** ACL token. Default: `CONSUL_HTTP_TOKEN`, else none. */
  readonly token?: string | undefined
  /** Datacenter in which services are looked up. Default: that of the agent. */
  readonly datacenter?: string | undefined
  /** Tags of the instances that register. Default none. */
  readonly tags?: readonly string[] | undefined
  /** How long an instance that has stopped saying that it lives is still served, 1000 or more. Default 15000. */
  readonly ttlMs?: number | undefined
  /**
   * How long Consul may hold a query when nothing changes, 1000–600000; a dead connection is noticed a little later.
   * Default 45000.
   */
  readonly waitMs?: number | undefined
}

export const consulDefaults = Object.freeze({ address: 'http://127.0.0.1:7117', ttlMs: 15_000, waitMs: 45_000 })

const readOptions = fields<ConsulOptions>({
  address: httpUrl,
  token: text,
  datacenter: text,
  tags: listOf(text),
  ttlMs: wholeNumber(1_000, 86_400_000),
  waitMs: wholeNumber(1_000, 600_000),
})

/** How long an answer may take beyond the time for which Consul was asked to hold it. */
const ANSWER_TIMEOUT_MS = 5_000

/** Least time from one query to the next, for services that change all the time and servers that do not hold a query. */
const QUERY_GAP_MS = 100

/**
 * Consul, or whatever speaks its HTTP API. Follows services by blocking queries
 * ({@link https://developer.hashicorp.com/consul/api-docs/features/blocking}) and registers with a TTL check, which it
 * passes three times as often as it must. Throws `MESH_ERR_OPTION`.
 */
export function consul(options: ConsulOptions = {}, clock: Clock = systemClock): Registry {
  const given = readOptions(options, 'consul')
  const address: ConsulAddress = {
    url: (given.address ?? addressFromEnvironment() ?? consulDefaults.address).replace(/\/$/, ''),
    token: given.token ?? (process.env['CONSUL_HTTP_TOKEN'] || undefined),
  }
  const tags = given.tags ?? []
  const ttlMs = given.ttlMs ?? consulDefaults.ttlMs
  const waitMs = given.waitMs ?? consulDefaults.waitMs

  async function* watch(service: string, signal: AbortSignal): AsyncGenerator<RawSnapshot> {
    const api = openConsul(address, clock)
    try {
      for (let index: number | undefined; !signal.aborted; ) {
        const answer = await api.ask({
          method: 'GET',
          path: `/health/service/${encodeURIComponent(service)}`,
          query: { dc: given.datacenter, ...(index !== undefined && { index: `${index}`, wait: `${waitMs}ms` }) },
          // Consul adds up to a sixteenth of the wait, to spread out those that ask.
          timeoutMs: ANSWER_TIMEOUT_MS + (index === undefined ? 0 : (waitMs * 17) / 16),
          signal,
        })
        const snapshot = snapshotOf(service, answer)
        if (snapshot.revision < (index ?? 0)) throw wentBack(service, index, snapshot.revision)
        yield snapshot
        index = snapshot.revision
        await pause(clock, QUERY_GAP_MS, signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await api.close()
    }
  }

  return {
    name: 'consul',
    watch: (service, { signal }) => watch(service, signal),
    register: (instance, { signal }) => registerInConsul(instance, { address, tags, ttlMs, clock }, signal),
  }
}

/** Where `CONSUL_HTTP_ADDR` says that the HTTP API is; undefined when it says nothing. Throws `MESH_ERR_OPTION`. */
export function addressFromEnvironment(): string | undefined {
  const address = process.env['CONSUL_HTTP_ADDR']
  if (address === undefined || address === '') return undefined
  const secure = ['1', 'true'].includes((process.env['CONSUL_HTTP_SSL'] ?? '').toLowerCase())
  return httpUrl(/^[a-z]+:\/\//i.test(address) ? address : `${secure ? 'https' : 'http'}://${address}`, 'CONSUL_HTTP_ADDR')
}

function snapshotOf(service: string, answer: HttpAnswer): RawSnapshot {
  if (answer.status !== 200) throw consulRefusal(`tell the instances of '${service}'`, answer)
  const index = answer.headers['x-consul-index']
  const malformed = (what: string, cause?: unknown): MeshError =>
    new MeshError('MESH_ERR_SNAPSHOT', `Consul's answer about '${service}' ${what}`, { service, cause })
  if (typeof index !== 'string' || !/^\d{1,15}$/.test(index)) throw malformed(`has no usable X-Consul-Index: ${String(index)}`)
  let entries: unknown
  try {
    entries = JSON.parse(answer.body)
  } catch (cause) {
    throw malformed('is not JSON', cause)
  }
  if (!Array.isArray(entries)) throw malformed('is not a list')
  // An index of 0 is a mistake that servers have made; sent back, it would mean not to wait at all.
  return { revision: Math.max(Number(index), 1), endpoints: endpointsOfHealth(entries) }
}

/** Consul was restored or replaced: what was waited for may never come, so the watch has to begin again at no index. */
function wentBack(service: string, from: number | undefined, to: number): MeshError {
  const message = `Consul's index of '${service}' went back from ${from} to ${to}: its state was replaced`
  return new MeshError('MESH_ERR_REGISTRY', message, { service })
}
