import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { pause } from '../base/pause.js'
import { wholeNumber } from '../base/validate.js'
import { consulRefusal, openConsul, type ConsulAddress, type ConsulApi } from './consul-api.js'
import type { Instance, Registration } from './registry.js'

export interface ConsulRegistrationOptions {
  readonly address: ConsulAddress
  readonly tags: readonly string[]
  readonly ttlMs: number
  readonly clock: Clock
}

const ANSWER_TIMEOUT_MS = 5_000

/** Consul itself takes nothing below a minute. */
const MIN_REAP_MS = 60_000

/** Registers with a check that goes critical unless it is passed within `ttlMs`, and passes it three times as often. */
export async function registerInConsul(
  instance: Instance,
  { address, tags, ttlMs, clock }: ConsulRegistrationOptions,
  signal: AbortSignal,
): Promise<Registration> {
  const definition = definitionOf(instance, tags, ttlMs)
  const api = openConsul(address, clock)
  try {
    await put(api, definition, signal)
  } catch (error) {
    await api.close()
    throw error
  }

  const leaving = new AbortController()
  const lost = keepPassing(api, instance, ttlMs, clock, leaving.signal)
  let left: Promise<void> | undefined
  const leave = async (): Promise<void> => {
    leaving.abort()
    try {
      const path = `/agent/service/deregister/${encodeURIComponent(instance.id)}`
      const answer = await api.ask({ method: 'PUT', path, timeoutMs: ANSWER_TIMEOUT_MS })
      if (answer.status !== 200 && answer.status !== 404) throw consulRefusal(`deregister '${instance.id}'`, answer)
    } finally {
      await api.close()
    }
  }
  return { lost, deregister: () => (left ??= leave()) }
}

function definitionOf(instance: Instance, tags: readonly string[], ttlMs: number): object {
  const { id, service, host, port, weight, zone, region, metadata } = instance
  wholeNumber(1, 65_535)(weight, 'weight')
  return {
    ID: id,
    Name: service,
    ...(host !== undefined && { Address: host }),
    Port: port,
    Tags: tags,
    Meta: { ...metadata, ...(zone !== undefined && { zone }), ...(region !== undefined && { region }) },
    Weights: { Passing: weight, Warning: weight },
    Check: {
      CheckID: checkOf(id),
      TTL: `${ttlMs}ms`,
      Status: 'passing',
      DeregisterCriticalServiceAfter: `${Math.max(MIN_REAP_MS, 4 * ttlMs)}ms`,
    },
  }
}

function checkOf(id: string): string {
  return `service:${id}`
}

async function put(api: ConsulApi, definition: object, signal: AbortSignal): Promise<void> {
  const answer = await api.ask({
    method: 'PUT',
    path: '/agent/service/register',
    // So that registering again leaves no check behind from a time with other options.
    query: { 'replace-existing-checks': 'true' },
    json: definition,
    timeoutMs: ANSWER_TIMEOUT_MS,
    signal,
  })
  if (answer.status === 200) return
  const refusal = consulRefusal('register this instance', answer)
  throw REFUSED_FOR_GOOD.has(answer.status) ? new MeshError('MESH_ERR_OPTION', refusal.message, { cause: refusal }) : refusal
}

/** Malformed, no token, or a token that may not: asking again with the same words brings the same answer. */
const REFUSED_FOR_GOOD: ReadonlySet<number> = new Set([400, 401, 403])

/** Passes the check until it is refused, or cannot be for so long that it must have gone critical. */
async function keepPassing(api: ConsulApi, { id }: Instance, ttlMs: number, clock: Clock, leaving: AbortSignal): Promise<Error> {
  const path = `/agent/check/pass/${encodeURIComponent(checkOf(id))}`
  let passedAt = clock.now()
  for (;;) {
    await pause(clock, ttlMs / 3, leaving)
    if (leaving.aborted) return new Promise(() => {})
    const askedAt = clock.now()
    try {
      const answer = await api.ask({ method: 'PUT', path, timeoutMs: Math.min(ANSWER_TIMEOUT_MS, ttlMs), signal: leaving })
      if (answer.status !== 200) return consulRefusal(`pass the check of '${id}'`, answer)
      passedAt = askedAt
    } catch (error) {
      if (!leaving.aborted && clock.now() - passedAt > ttlMs) return error as Error
    }
  }
}
