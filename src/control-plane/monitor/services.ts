import type { ServiceRow } from './answers.js'
import { Bounded } from './bounded.js'
import { isDenial } from './denials.js'
import type { Request } from './span-facts.js'
import { Sums, Tally, type Window } from './tally.js'

const COUNT = 0
const ERRORS = 1
const DENIED = 2
const COLUMNS = 3

interface Service {
  readonly service: string
  readonly tally: Tally
  lastAt: number
}

/** The services that send spans. */
export class Services {
  readonly #services: Bounded<Service>

  constructor(max: number) {
    this.#services = new Bounded(max)
  }

  /** Notes that a service is alive. */
  seen(service: string, at: number, now: number): void {
    const one = this.#at(service, now)
    if (one !== undefined && at > one.lastAt) one.lastAt = at
  }

  answered(request: Request, now: number): void {
    const tally = this.#at(request.service, now)?.tally
    tally?.count(COUNT, request.at)
    tally?.took(request.durationMs, request.at)
    if (request.failed) tally?.count(ERRORS, request.at)
    if (isDenial(request)) tally?.count(DENIED, request.at)
  }

  has(service: string): boolean {
    return this.#services.get(service) !== undefined
  }

  /** Those seen within the window and those that have instances. */
  list(window: Window, instances: ReadonlyMap<string, number>, registered: Iterable<string>): readonly ServiceRow[] {
    const from = window.now - window.windowSec * 1_000
    const names = new Set(registered)
    for (const { service, lastAt } of this.#services.all()) if (lastAt >= from) names.add(service)
    return [...names].map((service) => this.#statisticsOf(service, window, instances.get(service) ?? 0))
  }

  get size(): number {
    return this.#services.size
  }

  get bytes(): number {
    let bytes = 0
    for (const { tally } of this.#services.all()) bytes += tally.bytes
    return bytes
  }

  #statisticsOf(service: string, window: Window, instances: number): ServiceRow {
    const one = this.#services.get(service)
    const sums = new Sums(COLUMNS, window)
    if (one !== undefined) sums.add(one.tally)
    return {
      service,
      ...sums.figures(COUNT, ERRORS),
      denied: sums.count(DENIED),
      instances,
      lastSeenAt: one?.lastAt ?? null,
    }
  }

  #at(service: string, now: number): Service | undefined {
    return this.#services.at(service, now, () => ({ service, tally: new Tally(COLUMNS, { durations: true }), lastAt: 0 }))
  }
}
