import { backoffMs, type Backoff } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import { pause } from '../base/pause.js'
import type { Random } from '../base/random.js'
import type { Snapshot } from '../call/snapshot.js'
import { Gathering, isLarge } from './gathering.js'
import type { RawSnapshot, Registry } from './registry.js'
import { SnapshotReader } from './snapshot-reader.js'

export interface FollowContext {
  readonly registry: Registry
  readonly service: string
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
  /** After so long without a word the registry is asked anew. */
  readonly relistMs: number
}

export interface FollowListener {
  /** The registry has told something usable, changed or not. */
  told(snapshot: Snapshot): void
  /** It has failed, or told nonsense, and is asked again in `retryInMs`; 0 when the watch goes on. */
  failed(error: Error, retryInMs: number): void
}

const RESTART: Backoff = { baseMs: 200, maxMs: 15_000 }

/** Follows a service until `signal` aborts, whatever becomes of the registry; never rejects. */
export async function followForever(context: FollowContext, listener: FollowListener): Promise<void> {
  const { service, clock, random, signal } = context
  const reader = new SnapshotReader(service)
  let failures = 0
  while (!signal.aborted) {
    const begunAt = clock.now()
    try {
      await followOnce(context, reader, listener)
    } catch (reason) {
      if (signal.aborted) return
      // One that breaks as soon as it has spoken is no better than one that never speaks.
      if (clock.now() - begunAt >= RESTART.maxMs) failures = 0
      const retryInMs = backoffMs(RESTART, failures++, random)
      listener.failed(reason instanceof Error ? reason : new Error(String(reason)), retryInMs)
      await pause(clock, retryInMs, signal)
    }
  }
}

/** One watch: until it fails, which is thrown, or has been silent for too long. */
async function followOnce(context: FollowContext, reader: SnapshotReader, { told, failed }: FollowListener): Promise<void> {
  const { registry, service, clock, random, signal, relistMs } = context
  const ending = new AbortController()
  const watch = registry.watch(service, { signal: AbortSignal.any([signal, ending.signal]) })[Symbol.asyncIterator]()
  // Shortened by up to a quarter, so that many clients do not ask in step.
  const patienceMs = relistMs * (1 - random() / 4)
  // A registry that was restored from a backup counts from lower: only within one watch is a lower revision old.
  let newest = -Infinity
  const read = (word: RawSnapshot): void => {
    const snapshot = readTold(word, reader)
    if (snapshot instanceof Error) return failed(snapshot, 0)
    gathering.drop()
    newest = snapshot.revision
    told(snapshot)
  }
  const gathering = new Gathering(clock, read)
  const hear = (word: RawSnapshot): void => {
    const revision = revisionOf(word)
    if (revision < newest) return
    if (!isLarge(word)) return read(word)
    newest = revision
    gathering.hear(word)
  }
  try {
    for (;;) {
      const word = await within(clock, patienceMs, signal, watch.next())
      if (signal.aborted || word === undefined) return
      if (word.done === true) throw new Error(`${registry.name} ended its watch of '${service}'`)
      if (word.value instanceof Error) failed(word.value, 0)
      else hear(word.value)
    }
  } finally {
    if (signal.aborted) gathering.drop()
    else gathering.flush()
    ending.abort()
  }
}

/** What `promise` brings; undefined when it takes longer than `patienceMs` or `signal` aborts: an adapter may never end. */
function within<T>(clock: Clock, patienceMs: number, signal: AbortSignal, promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const forget = (): void => {
      timer.cancel()
      signal.removeEventListener('abort', giveUp)
    }
    const giveUp = (): void => {
      forget()
      resolve(undefined)
    }
    const timer = clock.after(patienceMs, giveUp)
    signal.addEventListener('abort', giveUp)
    promise.finally(forget).then(resolve, reject)
  })
}

/** NaN where there is none, which is neither older nor newer than another. */
function revisionOf(word: RawSnapshot): number {
  const revision: unknown = (word as RawSnapshot | null)?.revision
  return typeof revision === 'number' ? revision : NaN
}

function readTold(word: RawSnapshot, reader: SnapshotReader): Snapshot | Error {
  try {
    return reader.read(word)
  } catch (error) {
    return error as Error
  }
}
