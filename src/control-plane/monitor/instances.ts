import type { InstanceRow, Pick } from './answers.js'
import { Bounded } from './bounded.js'
import type { Names } from './names.js'
import type { Registered } from './registered.js'
import type { Attempt } from './span-facts.js'
import { Sums, Tally, type Window } from './tally.js'

const COUNT = 0
const ERRORS = 1
const COLUMNS = 2

interface Instance {
  readonly key: string
  readonly callee: string
  readonly isNamed: boolean
  readonly id: string
  readonly tally: Tally
  address: string | undefined
  lastAt: number
}

interface Caller {
  readonly instanceKey: string
  readonly caller: string
  readonly tally: Tally
  lastAt: number
  pick: Pick | null
}

interface Found {
  readonly service: string
  readonly id: string
  readonly seen: Instance[]
}

/** The instances that were tried, by the service that they belong to. */
export class Instances {
  readonly #instances: Bounded<Instance>
  /** Of all instances, so that their number is bounded too. */
  readonly #callers: Bounded<Caller>
  readonly #registered: Registered

  constructor(max: number, registered: Registered) {
    this.#instances = new Bounded(max)
    this.#callers = new Bounded(2 * max)
    this.#registered = registered
  }

  attempted(attempt: Attempt, now: number): void {
    const { at, caller, callee, isNamed, address, durationMs, failed, pick } = attempt
    const id = attempt.instance ?? (address === undefined ? undefined : (this.#registered.at(address)?.id ?? address))
    if (id === undefined) return
    const key = JSON.stringify([callee, isNamed, id])
    const tallyOf = (columns: number, durations: boolean): Tally => new Tally(columns, { durations })
    const instance = this.#instances.at(key, now, () => {
      return { key, callee, isNamed, id, tally: tallyOf(COLUMNS, true), address, lastAt: 0 }
    })
    if (instance === undefined) return
    instance.lastAt = Math.max(instance.lastAt, at)
    instance.address = address ?? instance.address
    instance.tally.count(COUNT, at)
    instance.tally.took(durationMs, at)
    if (failed) instance.tally.count(ERRORS, at)
    const one = this.#callers.at(JSON.stringify([key, caller]), now, () => {
      return { instanceKey: key, caller, tally: tallyOf(1, false), lastAt: 0, pick: null }
    })
    if (one === undefined) return
    if (at >= one.lastAt) one.pick = pick
    one.lastAt = Math.max(one.lastAt, at)
    one.tally.count(COUNT, at)
  }

  /** Those that are registered or were tried within the window; of all services, or of one. */
  list(window: Window, names: Names, service?: string): readonly InstanceRow[] {
    const callers = new Map<string, Caller[]>()
    for (const caller of this.#callers.all()) callers.set(caller.instanceKey, [...(callers.get(caller.instanceKey) ?? []), caller])
    return [...this.#found(window, names)]
      .filter(([name]) => service === undefined || name === service)
      .flatMap(([, found]) => statisticsOf([...found.values()], callers, window, this.#registered))
  }

  /** How many each service has: by the registry, or, for a service that it knows nothing of, how many were tried. */
  counts(window: Window, names: Names): ReadonlyMap<string, number> {
    const found = [...this.#found(window, names)]
    return new Map(found.map(([service, { size }]) => [service, this.#registered.hasHad(service) ? this.#registered.of(service).size : size]))
  }

  get size(): number {
    return this.#instances.size
  }

  get bytes(): number {
    let bytes = 0
    for (const { tally } of this.#instances.all()) bytes += tally.bytes
    for (const { tally } of this.#callers.all()) bytes += tally.bytes
    return bytes
  }

  #found(window: Window, names: Names): ReadonlyMap<string, ReadonlyMap<string, Found>> {
    const services = new Map<string, Map<string, Found>>()
    const at = (service: string, id: string): Found => {
      const found = services.get(service) ?? new Map<string, Found>()
      services.set(service, found)
      const one = found.get(id) ?? { service, id, seen: [] }
      found.set(id, one)
      return one
    }
    for (const service of this.#registered.names()) for (const id of this.#registered.of(service).keys()) at(service, id)
    for (const instance of this.#instances.all()) {
      if (instance.lastAt < window.now - window.windowSec * 1_000) continue
      const service = names.of(instance)
      at(service, this.#registeredId(service, instance.id)).seen.push(instance)
    }
    return services
  }

  /** The mesh's own clients add the node of Consul's catalog to the id that an instance registered with: `users-1@node`. */
  #registeredId(service: string, id: string): string {
    const own = id.slice(0, id.lastIndexOf('@'))
    const registered = this.#registered.of(service)
    return own !== '' && !registered.has(id) && registered.has(own) ? own : id
  }
}

type CallersByInstance = ReadonlyMap<string, readonly Caller[]>

function statisticsOf(found: readonly Found[], callers: CallersByInstance, window: Window, registered: Registered): InstanceRow[] {
  const summed = found.map(({ service, id, seen }) => {
    const sums = new Sums(COLUMNS, window)
    for (const { tally } of seen) sums.add(tally)
    return { service, id, seen, sums, known: registered.of(service).get(id) }
  })
  const total = summed.reduce((sum, { sums }) => sum + sums.count(COUNT), 0)
  return summed.map(({ service, id, seen, sums, known }) => ({
    service,
    id,
    address: known?.address ?? seen.find(({ address }) => address !== undefined)?.address ?? null,
    zone: known?.zone ?? null,
    weight: known?.weight ?? null,
    version: known?.version ?? null,
    status: known?.status ?? (registered.hasHad(service) ? 'gone' : 'unregistered'),
    count: sums.count(COUNT),
    errors: sums.count(ERRORS),
    perSec: sums.perSec(COUNT),
    share: total === 0 ? 0 : sums.count(COUNT) / total,
    p50Ms: sums.percentileMs(0.5),
    p99Ms: sums.percentileMs(0.99),
    lastSeenAt: sums.lastAt || null,
    callers: callersOf(seen.flatMap(({ key }) => callers.get(key) ?? []), window),
  }))
}

function callersOf(callers: readonly Caller[], window: Window): InstanceRow['callers'] {
  return callers
    .map(({ caller, tally, pick }) => {
      const sums = new Sums(1, window)
      sums.add(tally)
      return { caller, count: sums.count(COUNT), pick }
    })
    .filter(({ count }) => count > 0)
}

