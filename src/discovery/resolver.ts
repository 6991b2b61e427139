import { isDeepStrictEqual } from 'node:util'
import type { Clock, Timer } from '../base/clock.js'
import type { Random } from '../base/random.js'
import type { Events } from '../call/events.js'
import type { Snapshot } from '../call/snapshot.js'
import { discoverySettings, type DiscoveryOptions } from './discovery-options.js'
import { Doubt } from './doubt.js'
import { followForever } from './follow.js'
import type { Registry } from './registry.js'
import { samePicture } from './same-picture.js'
import { SnapshotCache } from './snapshot-cache.js'

export interface ResolverContext {
  readonly registry: Registry
  readonly service: string
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
}

/** Follows one service and keeps the last good snapshot, whatever becomes of the registry. */
export interface Resolver {
  /** Undefined until the registry, or the cache on disk, has told something usable. */
  readonly current: Snapshot | undefined
  /** When the registry last told something usable, changed or not, by `clock.now()`. */
  readonly lastProofOfLifeAt: number | undefined
  /** What went wrong last; undefined while all is well. */
  readonly lastError: Error | undefined
  /** How many endpoints are kept although the registry does not name them any more. */
  readonly kept: number
  /** Tells `listener` every snapshot that differs from the one before, beginning at once with the current one. Returns the way out. */
  subscribe(listener: (snapshot: Snapshot) => void): () => void
  /** Ends the watch. Harmless when repeated. */
  close(): Promise<void>
}

/** Starts to follow a service. Nothing of it keeps the process alive: whoever waits for a snapshot must do so. */
export function createResolver(context: ResolverContext, options: DiscoveryOptions = {}): Resolver {
  return new ServiceResolver(context, options)
}

class ServiceResolver implements Resolver {
  current: Snapshot | undefined
  lastProofOfLifeAt: number | undefined
  lastError: Error | undefined
  kept = 0
  readonly #context: ResolverContext
  readonly #closing = new AbortController()
  readonly #listeners = new Set<(snapshot: Snapshot) => void>()
  readonly #doubt: Doubt
  readonly #cache: SnapshotCache | undefined
  readonly #ended: Promise<void>
  #confirming: Timer | undefined

  constructor(context: ResolverContext, options: DiscoveryOptions) {
    const { registry, service, clock } = context
    const { cacheDir, relistMs, ...doubt } = discoverySettings(options)
    this.#context = context
    // Its word is the user's own: there is nobody whose view of it could be wrong.
    this.#doubt = new Doubt(registry.authoritative === true ? { emptyConfirmMs: 0, shrinkConfirmMs: 0 } : doubt)
    this.#cache = cacheDir === undefined ? undefined : new SnapshotCache(cacheDir, registry.name, service, clock)
    void this.#recall()
    const told = (snapshot: Snapshot): void => {
      this.lastProofOfLifeAt = clock.now()
      this.lastError = undefined
      this.#hear(snapshot)
    }
    const failed = (error: Error, retryInMs: number): void => {
      this.#confirming?.cancel()
      this.#doubt.restart()
      this.#report(error, retryInMs)
    }
    this.#ended = followForever({ ...context, relistMs, signal: this.#closing.signal }, { told, failed })
  }

  subscribe(listener: (snapshot: Snapshot) => void): () => void {
    // Wrapped, so that the same function can be subscribed twice and leave once.
    const own = (snapshot: Snapshot): void => listener(snapshot)
    this.#listeners.add(own)
    if (this.current !== undefined) this.#tell(own, this.current)
    return () => void this.#listeners.delete(own)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#confirming?.cancel()
    this.#listeners.clear()
    await this.#ended
  }

  /** Takes the registry's word as far as it is believed, and comes back to it when the rest is to be believed too. */
  #hear(told: Snapshot): void {
    const { clock, events, service } = this.#context
    this.#confirming?.cancel()
    const { snapshot, kept, believeAt } = this.#doubt.judge(told, clock.now())
    if (kept > 0 && kept !== this.kept) events.emit('endpointsKept', { service, revision: told.revision, kept, named: told.endpoints.length })
    this.kept = kept
    if (kept > 0) this.#confirming = clock.after(believeAt - clock.now(), () => this.#hear(told))
    this.#adopt(snapshot)
  }

  #adopt(snapshot: Snapshot): void {
    const { service, events } = this.#context
    const { revision, refused } = snapshot
    if (refused !== undefined && !isDeepStrictEqual(refused, this.current?.refused)) {
      events.emit('endpointsRefused', { service, revision, reasons: refused })
    }
    const changed = this.current === undefined || !samePicture(this.current, snapshot)
    this.current = snapshot
    // What was only recalled is not written again: it would stay young for ever.
    if (this.lastProofOfLifeAt !== undefined) this.#keep(snapshot, changed)
    if (!changed) return
    for (const listener of [...this.#listeners]) {
      // One that was told before may have made this one leave.
      if (this.#listeners.has(listener)) this.#tell(listener, snapshot)
    }
  }

  /** The memory on disk is a convenience: that it fails is told, and no more. */
  #keep(snapshot: Snapshot, changed: boolean): void {
    if (this.#cache === undefined || !(changed || this.#cache.isAging)) return
    this.#cache.write(snapshot).catch((error: unknown) => this.#report(error as Error, 0))
  }

  /** What an earlier process learned serves until the registry has spoken; that there was nobody serves no one. */
  async #recall(): Promise<void> {
    try {
      const kept = await this.#cache?.read()
      if (kept === undefined || kept.endpoints.length === 0) return
      if (this.current === undefined && !this.#closing.signal.aborted) this.#hear(kept)
    } catch (error) {
      this.#report(error as Error, 0)
    }
  }

  #tell(listener: (snapshot: Snapshot) => void, snapshot: Snapshot): void {
    try {
      listener(snapshot)
    } catch (error) {
      this.#context.events.emit('listenerError', { event: 'snapshot', error })
    }
  }

  #report(error: Error, retryInMs: number): void {
    this.lastError = error
    this.#context.events.emit('registryError', { service: this.#context.service, error, retryInMs })
  }
}
