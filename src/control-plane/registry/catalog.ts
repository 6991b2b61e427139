import { isDeepStrictEqual } from 'node:util'
import type { Clock, Timer } from '../../base/clock.js'
import type { Check, CheckDefinition, CheckStatus, Registration, Service, ServiceDefinition } from './service.js'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }
type HeldCheck = Mutable<Check> & { timer: Timer | undefined }
type HeldService = Omit<Mutable<Service>, 'checks'> & { readonly checks: Map<string, HeldCheck> }

/** The services of one name, and the index of the last change to any of them. */
interface Group {
  index: number
  readonly services: Map<string, HeldService>
}

/**
 * What stands in the registry, with Consul's meaning: every change raises the index, of the whole and of the name
 * concerned; a check that is not reported on in its time turns critical; a service that stays critical is taken out.
 * The index starts at the wall clock, so that a registry that was restarted never looks older than it was.
 */
export class Catalog {
  readonly #clock: Clock
  readonly #services = new Map<string, HeldService>()
  readonly #groups = new Map<string, Group>()
  readonly #ownerOfCheck = new Map<string, HeldService>()
  readonly #listeners = new Set<() => void>()
  #index: number
  // One for all names that nobody has, so that names which come and go leave nothing behind.
  #absentIndex: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#index = this.#absentIndex = Math.max(1, Math.floor(clock.epochMs()))
  }

  /** The index of the last change. */
  get index(): number {
    return this.#index
  }

  /** The index of the last change to a service of this name. */
  indexOf(name: string): number {
    return this.#groups.get(name)?.index ?? this.#absentIndex
  }

  get names(): readonly string[] {
    return [...this.#groups.keys()]
  }

  get services(): readonly Service[] {
    return [...this.#services.values()]
  }

  named(name: string): readonly Service[] {
    return [...(this.#groups.get(name)?.services.values() ?? [])]
  }

  withId(id: string): Service | undefined {
    return this.#services.get(id)
  }

  check(id: string): Check | undefined {
    return this.#ownerOfCheck.get(id)?.checks.get(id)
  }

  /** Calls back after every change; the function that comes back ends it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Takes a service in, or brings it up to date. A check that it had keeps its status: registering anew is no news of health. */
  register({ definition, checks, replacesChecks }: Registration): void {
    const service = this.#put(definition)
    for (const check of checks) this.#putCheck(service, check.definition, check.status)
    if (!replacesChecks) return
    const wanted = new Set(checks.map((check) => check.definition.id))
    for (const id of service.checks.keys()) if (!wanted.has(id)) this.#dropCheck(service, id)
  }

  /** Takes a service out; false when there is none. */
  deregister(id: string): boolean {
    const service = this.#services.get(id)
    if (service === undefined) return false
    for (const checkId of service.checks.keys()) this.#dropCheck(service, checkId)
    this.#services.delete(id)
    const { name } = service.definition
    const group = this.#groups.get(name)!
    group.services.delete(id)
    this.#changed(group)
    if (group.services.size === 0) {
      this.#groups.delete(name)
      this.#absentIndex = this.#index
    }
    return true
  }

  /** Gives a service that is there one more check. */
  addCheck(serviceId: string, definition: CheckDefinition, status: CheckStatus): void {
    const service = this.#services.get(serviceId)
    if (service !== undefined) this.#putCheck(service, definition, status)
  }

  removeCheck(checkId: string): void {
    const service = this.#ownerOfCheck.get(checkId)
    if (service !== undefined) this.#dropCheck(service, checkId)
  }

  /** Notes what was reported on a check that is there. */
  report(checkId: string, status: CheckStatus, output: string): void {
    const service = this.#ownerOfCheck.get(checkId)
    const check = service?.checks.get(checkId)
    if (service === undefined || check === undefined) return
    const isNews = check.status !== status
    check.status = status
    check.output = output
    // Being told again that it is critical does not put off the end.
    if (isNews || status !== 'critical') this.#arm(service, check)
    // A heartbeat wakes nobody.
    if (isNews) check.modifyIndex = this.#touched(service)
  }

  /** Stops every timer. */
  close(): void {
    for (const service of this.#services.values()) for (const check of service.checks.values()) check.timer?.cancel()
  }

  #put(definition: ServiceDefinition): HeldService {
    const { id, name } = definition
    const former = this.#services.get(id)
    if (former !== undefined && former.definition.name !== name) this.deregister(id)
    const known = this.#services.get(id)
    if (known !== undefined && isDeepStrictEqual(known.definition, definition)) return known
    const service = known ?? { definition, checks: new Map<string, HeldCheck>(), createIndex: this.#index + 1, modifyIndex: 0 }
    service.definition = definition
    const group = this.#groups.get(name) ?? { index: 0, services: new Map<string, HeldService>() }
    this.#groups.set(name, group)
    group.services.set(id, service)
    this.#services.set(id, service)
    service.modifyIndex = this.#touched(service)
    return service
  }

  #putCheck(service: HeldService, definition: CheckDefinition, status: CheckStatus): void {
    const owner = this.#ownerOfCheck.get(definition.id)
    if (owner !== undefined && owner !== service) this.#dropCheck(owner, definition.id)
    const known = service.checks.get(definition.id)
    if (known !== undefined) {
      known.definition = definition
      if (known.status !== 'critical') this.#arm(service, known)
      return
    }
    const index = this.#touched(service)
    const check: HeldCheck = { definition, status, output: '', createIndex: index, modifyIndex: index, timer: undefined }
    service.checks.set(definition.id, check)
    this.#ownerOfCheck.set(definition.id, service)
    this.#arm(service, check)
  }

  #dropCheck(service: HeldService, id: string): void {
    service.checks.get(id)?.timer?.cancel()
    service.checks.delete(id)
    this.#ownerOfCheck.delete(id)
    this.#touched(service)
  }

  #arm(service: HeldService, check: HeldCheck): void {
    check.timer?.cancel()
    const { id, ttlMs, deregisterAfterMs } = check.definition
    if (check.status === 'critical') {
      const end = (): void => void this.deregister(service.definition.id)
      check.timer = deregisterAfterMs === undefined ? undefined : this.#clock.after(deregisterAfterMs, end)
    } else {
      const expire = (): void => this.report(id, 'critical', 'TTL expired')
      check.timer = ttlMs === undefined ? undefined : this.#clock.after(ttlMs, expire)
    }
  }

  #touched(service: HeldService): number {
    return this.#changed(this.#groups.get(service.definition.name)!)
  }

  #changed(group: Group): number {
    group.index = ++this.#index
    for (const listener of this.#listeners) listener()
    return group.index
  }
}
