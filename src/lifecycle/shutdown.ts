import type { Clock } from '../base/clock.js'
import { settlesWithin } from '../base/settles-within.js'
import { fields, optionError, wholeNumber } from '../base/validate.js'
import type { Registrar } from '../discovery/registrar.js'
import type { Drain } from '../resilience/drain.js'
import type { AttachedServer } from './attached-server.js'

export interface DrainOptions {
  /**
   * How long the instance goes on serving after it has left the registry, until callers have heard of it. Default 5000,
   * or what the registry needs if that is more; nothing for an instance that never registered.
   */
  readonly drainDelayMs?: number | undefined
  /** Time for everything, from the first step to the end of the last request; what is not done then is cut. Default 28000: it fits into the 30 s of Kubernetes. */
  readonly drainTimeoutMs?: number | undefined
}

/** `drainDelayMs` is longer than clients keep an idle connection, so that none is closed under a request. */
export const drainDefaults = Object.freeze({ drainDelayMs: 5_000, drainTimeoutMs: 28_000 })

const readFields = fields<DrainOptions>({ drainDelayMs: wholeNumber(0), drainTimeoutMs: wholeNumber(1) })

export interface ShutdownParts {
  readonly clock: Clock
  readonly registrar: Registrar
  readonly drain: Drain
  readonly servers: readonly AttachedServer[]
}

/** When the callers will have heard, and when nothing may be left: in the clock's monotonic milliseconds. */
interface Schedule {
  readonly refuseAt: number
  readonly cutAt: number
}

/**
 * Ends this process's part as a server without losing a request. First the registry and the open connections are told,
 * and everything is still served; when callers have had time to hear of it, what still comes is refused as not processed,
 * to be sent elsewhere, and what is under way may finish.
 */
export class Shutdown {
  readonly #parts: ShutdownParts
  #schedule: Schedule | undefined
  #leaving: Promise<void> | undefined
  #finishing: Promise<void> | undefined

  constructor(parts: ShutdownParts) {
    this.#parts = parts
  }

  get begun(): boolean {
    return this.#schedule !== undefined
  }

  /** Leaves the registry, serves on until callers have heard of it, and refuses from then on. Repeated: the first one's settings hold. */
  leave(settings: DrainSettings): Promise<void> {
    const now = this.#parts.clock.now()
    this.#schedule ??= { refuseAt: now + settings.drainDelayMs, cutAt: now + settings.drainTimeoutMs }
    return (this.#leaving ??= this.#leave(this.#schedule))
  }

  /** Leaves, lets what is under way finish, and cuts what has not when the time is over. */
  async finish(settings: DrainSettings): Promise<void> {
    await this.leave(settings)
    await (this.#finishing ??= this.#finish(this.#schedule!))
  }

  async #leave({ refuseAt }: Schedule): Promise<void> {
    const { clock, registrar, drain, servers } = this.#parts
    // Before the registry, which may not answer: the connections end with their answers all the same.
    for (const server of servers) server.leave()
    const known = registrar.instances.length > 0
    await registrar.deregister()
    if (known) await settlesWithin(clock, refuseAt - clock.now(), drain.begun)
    drain.begin()
  }

  async #finish({ cutAt }: Schedule): Promise<void> {
    const { clock, drain, servers } = this.#parts
    const finished = Promise.all([drain.empty(), ...servers.map((server) => server.stop())])
    if (!(await settlesWithin(clock, cutAt - clock.now(), finished))) for (const server of servers) server.cut()
  }
}

export interface DrainSettings {
  readonly drainDelayMs: number
  readonly drainTimeoutMs: number
}

/** Reads what was given to `drain`; `propagationMs` is how long the registry may take to tell the callers. */
export function readDrain(value: unknown, propagationMs = 0): DrainSettings {
  const given = readFields(value, '')
  const drainDelayMs = given.drainDelayMs ?? Math.max(drainDefaults.drainDelayMs, propagationMs)
  const drainTimeoutMs = given.drainTimeoutMs ?? Math.max(drainDefaults.drainTimeoutMs, drainDelayMs)
  if (drainTimeoutMs < drainDelayMs) throw optionError('drainTimeoutMs', `at least drainDelayMs of ${drainDelayMs}`, drainTimeoutMs)
  return { drainDelayMs, drainTimeoutMs }
}
