import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { pause } from '../base/pause.js'
import type { Random } from '../base/random.js'
import type { EtcdApi, EtcdCluster } from './etcd-cluster.js'
import { keysOf, toBase64 } from './etcd-keys.js'
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
      yield* keepUp(api, service, picture, context)
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
  const message = { key: toBase64(keys.from), range_end: toBase64(keys.to) }
  return new EtcdPicture(service, keys, await api.ask({ path: '/kv/range', message, timeoutMs: ANSWER_TIMEOUT_MS, signal }))
}

/** Keeps the picture up to date until the list has to be read again. Throws when no member takes up the watch. */
async function* keepUp(
  api: EtcdApi,
  service: string,
  picture: EtcdPicture,
  { settings, clock, random, signal }: EtcdWatchContext,
): AsyncGenerator<RawSnapshot | Error> {
  const keys = keysOf(settings.prefix, service)
  const range = { key: toBase64(keys.from), range_end: toBase64(keys.to), progress_notify: true }
  while (!signal.aborted) {
    const idleMs = settings.relistMs * (1 - random() / 4)
    const message = { create_request: { ...range, start_revision: String(picture.revision + 1) } }
    const messages = await api.listen({ path: '/watch', message, timeoutMs: ANSWER_TIMEOUT_MS, idleMs, signal })
    let heardAt: number | undefined
    const openedAt = clock.now()
    try {
      for await (const told of messages) {
        heardAt = clock.now()
        if (told['canceled'] === true) {
          yield cancelled(service, picture.revision, told)
          break listening
        }
        if (told['created'] !== true) {
          picture.apply(told)
          yield picture.snapshot
        } else if (picture.revisionOf(told) < picture.revision) {
          // Restored from a backup, or behind the others: the list, which they agree on, tells which.
          break listening
        }
      }
      throw new MeshError('MESH_ERR_REGISTRY', `etcd ended its watch of '${service}'`, { service })
    } catch (error) {
      const silentMs = clock.now() - (heardAt ?? openedAt)
      if (signal.aborted || silentMs >= idleMs) return
      // Nothing came, or nothing that can be read: beginning where it was would bring the same again.
      if (heardAt === undefined || isMeshError(error, 'MESH_ERR_SNAPSHOT')) throw error
      yield error as Error
    }
    await pause(clock, random() * RESUME_MS, signal)
  }
}
