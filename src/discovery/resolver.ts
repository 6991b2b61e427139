import { isDeepStrictEqual } from 'node:util'
import { backoffMs, type Backoff } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import { pause } from '../base/pause.js'
import type { Random } from '../base/random.js'
import { settlesWithin } from '../base/settles-within.js'
import type { Events } from '../call/events.js'
import type { Snapshot } from '../call/snapshot.js'
import type { RawSnapshot, Registry } from './registry.js'
import { samePicture } from './same-picture.js'
import { readSnapshot } from './snapshot-reader.js'

export interface ResolverContext {
  readonly registry: Registry
  readonly service: string
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
}

/** Follows one service and keeps the last good snapshot, whatever becomes of the registry. */
export interface Resolver {
  /** Undefined until the registry has told something usable. */
  readonly current: Snapshot | undefined
  /** When the registry last told something usable, changed or not, by `clock.now()`. */
  readonly lastProofOfLifeAt: number | undefined
  /** What went wrong last; undefined while all is well. */
  readonly lastError: Error | undefined
  /** Tells `listener` the current snapshot at once, if there is one, and then each that differs. Returns the way out. */
  subscribe(listener: (snapshot: Snapshot) => void): () => void
  /** Ends the watch. Harmless when repeated. */
  close(): Promise<void>
}

const RESTART: Backoff = { baseMs: 200, maxMs: 15_000 }

/** How long an adapter may take to end its watch; one that never does is left behind. */
const CLOSE_TIMEOUT_MS = 500

/** Starts to follow a service. Nothing of it keeps the process alive: whoever waits for a snapshot must do so. */
export function createResolver({ registry, service, clock, random, events }: ResolverContext): Resolver {
  const closing = new AbortController()
  const { signal } = closing
  const listeners = new Set<(snapshot: Snapshot) => void>()
  let current: Snapshot | undefined
  let lastProofOfLifeAt: number | undefined
  let lastError: Error | undefined

  const report = (error: Error, retryInMs: number): void => {
    lastError = error
    events.emit('registryError', { service, error, retryInMs })
  }

  const tell = (listener: (snapshot: Snapshot) => void, snapshot: Snapshot): void => {
    try {
      listener(snapshot)
    } catch (error) {
      events.emit('listenerError', { event: 'snapshot', error })
    }
  }

  const adopt = (snapshot: Snapshot): void => {
    lastProofOfLifeAt = clock.now()
    lastError = undefined
    const { revision, refused } = snapshot
    if (refused !== undefined && !isDeepStrictEqual(refused, current?.refused)) {
      events.emit('endpointsRefused', { service, revision, reasons: refused })
    }
    const changed = current === undefined || !samePicture(current, snapshot)
    current = snapshot
    if (!changed) return
    for (const listener of [...listeners]) {
      // One that was told before may have made this one leave.
      if (listeners.has(listener)) tell(listener, snapshot)
    }
  }

  /** Follows the registry until it fails or ends. */
  const follow = async (onSnapshot: () => void): Promise<void> => {
    // A registry that was restored from a backup counts from lower: only within one watch is a lower revision old.
    let newest = -Infinity
    for await (const told of registry.watch(service, { signal })) {
      if (signal.aborted) return
      const read = readTold(told, service)
      if (read instanceof Error) {
        report(read, 0)
      } else if (read.revision >= newest) {
        newest = read.revision
        onSnapshot()
        adopt(read)
      }
    }
    throw new Error(`${registry.name} ended its watch of '${service}'`)
  }

  const run = async (): Promise<void> => {
    let failures = 0
    while (!signal.aborted) {
      try {
        await follow(() => (failures = 0))
      } catch (error) {
        if (signal.aborted) return
        const retryInMs = backoffMs(RESTART, failures++, random)
        report(error instanceof Error ? error : new Error(String(error)), retryInMs)
        await pause(clock, retryInMs, signal)
      }
    }
  }
  const ended = run()

  return {
    get current() {
      return current
    },
    get lastProofOfLifeAt() {
      return lastProofOfLifeAt
    },
    get lastError() {
      return lastError
    },
    subscribe(listener) {
      // Wrapped, so that the same function can be subscribed twice and leave once.
      const own = (snapshot: Snapshot): void => listener(snapshot)
      listeners.add(own)
      if (current !== undefined) tell(own, current)
      return () => void listeners.delete(own)
    },
    async close() {
      closing.abort()
      listeners.clear()
      await settlesWithin(clock, CLOSE_TIMEOUT_MS, ended)
    },
  }
}

function readTold(told: RawSnapshot | Error, service: string): Snapshot | Error {
  if (told instanceof Error) return told
  try {
    return readSnapshot(told, service)
  } catch (error) {
    return error as Error
  }
}
