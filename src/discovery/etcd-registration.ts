import { backoffMs } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { pause } from '../base/pause.js'
import type { Random } from '../base/random.js'
import type { EtcdApi, EtcdCluster } from './etcd-cluster.js'
import { EtcdRefusal } from './etcd-gateway.js'
import { keysOf, toBase64 } from './etcd-keys.js'
import type { EtcdSettings } from './etcd-options.js'
import type { Instance, Registration } from './registry.js'

export interface EtcdRegistrationContext {
  readonly cluster: EtcdCluster
  readonly settings: EtcdSettings
  readonly clock: Clock
  readonly random: Random
}

/** A promise of etcd's to forget whatever is attached to it, unless it hears from us in time. */
interface Lease {
  /** 64 bits, as text. */
  readonly id: string
  /** At least what was asked for: etcd has a shortest time of its own. */
  readonly ttlMs: number
}

const ANSWER_TIMEOUT_MS = 5_000

/** Ceiling of the first wait after a heartbeat that failed. */
const HEARTBEAT_RETRY_MS = 500

/** Time for a last word that nobody may be waiting for. */
const GOODBYE_TIMEOUT_MS = 1_000

/** Puts the instance's key with a lease of its own, and keeps the lease alive by a heartbeat at every third of its time. */
export async function registerInEtcd(
  instance: Instance,
  { cluster, settings, clock, random }: EtcdRegistrationContext,
  signal: AbortSignal,
): Promise<Registration> {
  const api = cluster.open()
  let lease: Lease | undefined
  try {
    lease = await grant(api, settings.ttlMs, signal)
    await put(api, settings.prefix, instance, lease, signal)
  } catch (error) {
    // The key may stand all the same: the answer alone may be what was lost.
    if (lease !== undefined) await revoke(api, lease, GOODBYE_TIMEOUT_MS).catch(() => {})
    await api.close()
    throw refusedForGood(error)
  }

  const leaving = new AbortController()
  const lost = keepAlive(api, instance, lease, clock, random, leaving.signal)
  void lost.then(() => api.close())
  const granted = lease
  let left: Promise<void> | undefined
  const leave = async (): Promise<void> => {
    leaving.abort()
    const goodbye = cluster.open()
    try {
      await revoke(goodbye, granted, ANSWER_TIMEOUT_MS)
    } finally {
      await Promise.all([api.close(), goodbye.close()])
    }
  }
  return { lost, deregister: () => (left ??= leave()) }
}

async function grant(api: EtcdApi, ttlMs: number, signal: AbortSignal): Promise<Lease> {
  const message = { TTL: String(Math.ceil(ttlMs / 1_000)) }
  const { ID: id, TTL: ttl } = await api.ask({ path: '/lease/grant', message, timeoutMs: ANSWER_TIMEOUT_MS, signal })
  if (typeof id !== 'string' || !(Number(ttl) > 0)) throw new MeshError('MESH_ERR_REGISTRY', 'etcd granted no usable lease')
  return { id, ttlMs: Number(ttl) * 1_000 }
}

async function put(api: EtcdApi, prefix: string, instance: Instance, lease: Lease, signal: AbortSignal): Promise<void> {
  const { service, id, port, weight, zone, region, metadata } = instance
  // As etcd is reached from here, so others in the same network reach us.
  const host = instance.host ?? api.localAddress()
  const message = {
    key: toBase64(keysOf(prefix, service).instance(id)),
    value: toBase64(JSON.stringify({ host, port, weight, zone, region, metadata })),
    lease: lease.id,
  }
  await api.ask({ path: '/kv/put', message, timeoutMs: ANSWER_TIMEOUT_MS, signal })
}

/** Takes a lease that is gone already for revoked. */
async function revoke(api: EtcdApi, { id }: Lease, timeoutMs: number): Promise<void> {
  try {
    await api.ask({ path: '/lease/revoke', message: { ID: id }, timeoutMs })
  } catch (error) {
    if (!(error instanceof EtcdRefusal && error.status === 404)) throw error
  }
}

/** Beats until etcd knows the lease no longer, or cannot be told for so long that it must have run out. */
async function keepAlive(
  api: EtcdApi,
  { id }: Instance,
  lease: Lease,
  clock: Clock,
  random: Random,
  leaving: AbortSignal,
): Promise<Error> {
  const everyMs = lease.ttlMs / 3
  const timeoutMs = Math.min(ANSWER_TIMEOUT_MS, everyMs)
  let heardAt = clock.now()
  let failures = 0
  for (;;) {
    const waitMs = failures === 0 ? everyMs : backoffMs({ baseMs: HEARTBEAT_RETRY_MS, maxMs: everyMs }, failures - 1, random)
    await pause(clock, waitMs, leaving)
    const askedAt = clock.now()
    try {
      // One question each, not one long stream: it goes to whichever member answers now.
      const { TTL: ttl } = await api.ask({ path: '/lease/keepalive', message: { ID: lease.id }, timeoutMs, signal: leaving })
      if (leaving.aborted) return await never()
      if (!(Number(ttl) > 0)) return new MeshError('MESH_ERR_REGISTRY', `etcd has let the lease of '${id}' run out`)
      heardAt = askedAt
      failures = 0
    } catch (error) {
      if (leaving.aborted) return never()
      if (clock.now() - heardAt > lease.ttlMs) return error as Error
      failures++
    }
  }
}

function never(): Promise<Error> {
  return new Promise(() => {})
}

/** Malformed, nobody, or somebody who may not: asking again with the same words brings the same answer. */
const REFUSED_FOR_GOOD: ReadonlySet<number> = new Set([400, 401, 403])

function refusedForGood(error: unknown): unknown {
  if (!(error instanceof EtcdRefusal) || !REFUSED_FOR_GOOD.has(error.status)) return error
  return new MeshError('MESH_ERR_OPTION', error.message, { cause: error })
}
