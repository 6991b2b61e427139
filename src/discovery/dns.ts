import { systemClock, type Clock } from '../base/clock.js'
import { pause } from '../base/pause.js'
import { systemRandom, type Random } from '../base/random.js'
import { endpointsOfAddresses, endpointsOfRecords, type KnownTargets } from './dns-endpoints.js'
import { readDnsOptions, type DnsOptions, type DnsSettings } from './dns-options.js'
import { askDns, type DnsQuestions } from './dns-questions.js'
import { findTargets } from './dns-targets.js'
import type { EndpointOptions } from './endpoint-reader.js'
import { unlisted } from './fixed.js'
import type { RawSnapshot, Registry } from './registry.js'

/** By how much a wait may be longer, so that processes which started together do not go on asking together. */
const JITTER_RATIO = 0.2

/**
 * DNS: SRV records, or A or AAAA records with a port. Asks again and again, for DNS brings no news by itself. A name that
 * does not exist or has no such record tells an empty service; a server that fails or does not answer is a failure.
 * Who puts instances into the zone is somebody else: registering does nothing. Throws `MESH_ERR_OPTION`.
 */
export function dns(options: DnsOptions, clock: Clock = systemClock, random: Random = systemRandom): Registry {
  const settings = readDnsOptions(options)
  const { intervalMs } = settings

  async function* watch(service: string, signal: AbortSignal): AsyncGenerator<RawSnapshot | Error> {
    const name = settings.nameOf(service)
    let known: KnownTargets = new Map()
    try {
      for (let revision = 1; !signal.aborted; revision++) {
        const { endpoints, targets, failure } = await askDns(settings, { clock, signal }, (questions) =>
          look(name, settings.records, known, questions),
        )
        yield { revision, endpoints }
        if (failure !== undefined) yield failure
        known = targets
        await pause(clock, waitMs(targets, intervalMs) * (1 + random() * JITTER_RATIO), signal)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }

  return {
    name: 'dns',
    propagationMs: intervalMs * (1 + JITTER_RATIO),
    watch: (service, { signal }) => watch(service, signal),
    register: async () => unlisted(),
  }
}

interface Look {
  readonly endpoints: readonly EndpointOptions[]
  readonly targets: KnownTargets
  readonly failure?: Error | undefined
}

async function look(name: string, records: DnsSettings['records'], known: KnownTargets, questions: DnsQuestions): Promise<Look> {
  if (records.type !== 'SRV') {
    const addresses = await questions.addresses(name, records.type)
    return { endpoints: endpointsOfAddresses(addresses, records.port), targets: new Map([[name, addresses]]) }
  }
  // The root as a target says that the service is decidedly not there.
  const told = (await questions.services(name)).filter((record) => record.name !== '')
  const { targets, failure } = await findTargets(told, known, questions)
  return { endpoints: endpointsOfRecords(told, targets), targets, failure }
}

/** Until the first address may be forgotten; one that must not be remembered at all (0) says nothing of when to ask. */
function waitMs(targets: KnownTargets, intervalMs: number): number {
  const ttls = [...targets.values()].flat().map(({ ttl }) => ttl)
  return Math.min(intervalMs, ...ttls.filter((ttl) => ttl > 0).map((ttl) => ttl * 1_000))
}
