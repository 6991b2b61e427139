import type { Clock } from '../base/clock.js'
import { settlesWithin } from '../base/settles-within.js'
import type { Registrar } from '../discovery/registrar.js'
import type { Drain } from '../resilience/drain.js'
import type { AttachedServer } from './attached-server.js'
import { drainDefaults, readDrain, type DrainOptions } from './drain-options.js'

export interface ShutdownParts {
  readonly clock: Clock
  readonly registrar: Registrar
  /** How long the registry may take to tell the callers. */
  readonly propagationMs: number
  readonly drain: Drain
  readonly servers: readonly AttachedServer[]
  /** Closes the mesh, when nobody is served any more. */
  readonly close: () => Promise<void>
}

/** When the callers will have heard, and when nothing may be left: in the clock's monotonic milliseconds. */
interface Schedule {
  readonly refuseAt: number
  readonly cutAt: number
}

/** What comes after the last request is given this much, even if the requests have used up all the time. */
const CLOSE_MS = 1_000

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

  /**
   * Leaves the registry, serves on until callers have heard of it, and refuses from then on. Repeated: the first one's
   * options hold. Rejects with `MESH_ERR_OPTION`.
   */
  async leave(options: DrainOptions): Promise<void> {
    const { clock, registrar, propagationMs, servers } = this.#parts
    // Where the platform registers, nothing here says so but that there is a server, and a registry that takes its time.
    const isCalled = registrar.instances.length > 0 || (servers.length > 0 && propagationMs > 0)
    const neededMs = isCalled ? Math.max(drainDefaults.drainDelayMs, propagationMs) : 0
    const { drainDelayMs, drainTimeoutMs } = readDrain(options, neededMs)
    const now = clock.now()
    this.#schedule ??= { refuseAt: now + drainDelayMs, cutAt: now + drainTimeoutMs }
    await (this.#leaving ??= this.#leave(this.#schedule))
  }

  /** Leaves, lets what is under way finish, cuts what has not when the time is over, and closes the mesh. */
  async finish(options: DrainOptions): Promise<void> {
    await this.leave(options)
    await (this.#finishing ??= this.#finish(this.#schedule!))
  }

  /** Finishes, and then does this in the time that is left. */
  async finishWith(options: DrainOptions, task: () => unknown): Promise<void> {
    await this.finish(options)
    await this.#inTime(async () => task())
  }

  async #leave({ refuseAt }: Schedule): Promise<void> {
    const { clock, registrar, drain, servers } = this.#parts
    // Before the registry, which may not answer: the callers who are connected hear of it all the same.
    for (const server of servers) server.leave()
    await registrar.deregister()
    await settlesWithin(clock, refuseAt - clock.now(), drain.begun)
    drain.begin()
  }

  async #finish({ cutAt }: Schedule): Promise<void> {
    const { clock, drain, servers, close } = this.#parts
    const finished = Promise.all([drain.empty(), ...servers.map((server) => server.stop())])
    if (!(await settlesWithin(clock, cutAt - clock.now(), finished))) for (const server of servers) server.cut()
    await this.#inTime(close)
  }

  async #inTime(task: () => Promise<unknown>): Promise<void> {
    const { clock } = this.#parts
    await settlesWithin(clock, Math.max(this.#schedule!.cutAt - clock.now(), CLOSE_MS), task())
  }
}
