import type { Clock } from '../base/clock.js'
import { isMeshError, MeshError } from '../base/errors.js'
import { pause } from '../base/pause.js'
import type { Random } from '../base/random.js'
import type { EtcdApi, EtcdCluster } from './etcd-cluster.js'
import type { EtcdMessage } from './etcd-gateway.js'
import { keysOf, toBase64, type EtcdKeys } from './etcd-keys.js'
import type { EtcdSettings } from './etcd-options.js'
import { EtcdPicture } from './etcd-picture.js'
import type { RawSnapshot } from './registry.js'

export interface EtcdWatchContext {
  readonly cluster: EtcdCluster
  readonly settings: EtcdSettings
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
}

const ANSWER_TIMEOUT_MS = 5_000

/** Ceiling of the wait before a watch is taken up again: the clients of a member that stops go to the others one by one. */
const RESUME_MS = 500

/**
 * Reads the list, then watches what comes after its revision. A watch that breaks off is taken up where it was, at another
 * member; the list is read again when etcd has compacted what came between, and when the watch has been silent for long.
 */
export async function* watchEtcd(service: string, context: EtcdWatchContext): AsyncGenerator<RawSnapshot | Error> {
  const { signal } = context
  const api = context.cluster.open()
  try {
    for (let known = 0; !signal.aborted; ) {
      const picture = await readPicture(api, service, context)
      if (picture.revision < known) throw wentBack(service, known, picture.revision)
      yield picture.snapshot
      yield* keepUp(api, picture, context)
      known = picture.revision
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    await api.close()
  }
}

async function readPicture(api: EtcdApi, service: string, { settings, signal }: EtcdWatchContext): Promise<EtcdPicture> {
  const keys = keysOf(settings.prefix, service)
  const answer = await api.ask({ path: '/kv/range', message: rangeOf(keys), timeoutMs: ANSWER_TIMEOUT_MS, signal })
  return new EtcdPicture(service, keys, answer)
}

/** Keeps the picture up to date until the list has to be read again. Throws when no member takes up the watch. */
async function* keepUp(
  api: EtcdApi,
  picture: EtcdPicture,
  { settings, clock, random, signal }: EtcdWatchContext,
): AsyncGenerator<RawSnapshot | Error, void> {
  const range = { ...rangeOf(picture.keys), progress_notify: true }
  for (let broken = true; broken; ) {
    const messages = await api.listen({
      path: '/watch',
      message: { create_request: { ...range, start_revision: String(picture.revision + 1) } },
      timeoutMs: ANSWER_TIMEOUT_MS,
      idleMs: settings.relistMs * (1 - random() / 4),
      signal,
    })
    broken = yield* tellChanges(messages, picture, signal)
    await pause(clock, random() * RESUME_MS, signal)
  }
}

/** Takes in what one stream tells. Returns whether it broke off, and may be taken up where it was. */
async function* tellChanges(
  messages: AsyncIterable<EtcdMessage>,
  picture: EtcdPicture,
  signal: AbortSignal,
): AsyncGenerator<RawSnapshot | Error, boolean> {
  let created = false
  try {
    for await (const told of messages) {
      if (told['canceled'] === true) {
        yield cancelled(picture, told)
        return false
      }
      // Restored from a backup, or behind the others: the list, on which they agree, tells which.
      if (picture.revisionOf(told) < picture.revision) return false
      if (told['created'] === true) created = true
      else picture.apply(told)
      yield picture.snapshot
    }
    return false
  } catch (error) {
    if (signal.aborted) return false
    // To begin at the same revision would bring the same again.
    if (isMeshError(error, 'MESH_ERR_SNAPSHOT')) throw error
    yield error as Error
    return created
  }
}

function rangeOf({ from, to }: EtcdKeys): object {
  return { key: toBase64(from), range_end: toBase64(to) }
}

function cancelled({ service, revision }: EtcdPicture, told: EtcdMessage): MeshError {
  const { compact_revision: compacted, cancel_reason: reason } = told
  const why = compacted === undefined ? reason : `what came after revision ${revision} is compacted up to ${String(compacted)}`
  return new MeshError('MESH_ERR_REGISTRY', `etcd cancelled its watch of '${service}': ${String(why)}`, { service })
}

/** The cluster was restored or replaced: only a watch that begins anew may believe what it finds. */
function wentBack(service: string, from: number, to: number): MeshError {
  const message = `etcd's revision went back from ${from} to ${to}: its state was replaced`
  return new MeshError('MESH_ERR_REGISTRY', message, { service })
}
