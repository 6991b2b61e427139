import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { pause } from '../base/pause.js'
import type { Random } from '../base/random.js'
import type { SlicesApi } from './kubernetes-api.js'
import type { SlicePicture } from './kubernetes-picture.js'

export interface FollowContext {
  readonly watchMs: number
  readonly clock: Clock
  readonly random: Random
  readonly signal: AbortSignal
}

/** Least time from the beginning of one watch to that of the next, for servers and proxies that end them at once. */
const WATCH_GAP_MS = 1_000

/**
 * Keeps a picture true: lists, watches on from where the list or the last watch ended, and lists again when the server no
 * longer knows that version ({@link https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes}).
 * Throws when the server fails; ends when `signal` aborts.
 */
export async function followSlices(picture: SlicePicture, api: SlicesApi, context: FollowContext): Promise<void> {
  const { clock, signal } = context
  while (!signal.aborted) {
    const list = await api.list(signal)
    picture.replace(list.objects)
    for (let version: string | undefined = list.version; version !== undefined && !signal.aborted; ) {
      const beganAt = clock.now()
      const next = await watchOnce(picture, api, version, context)
      // To list again would bring the same version, and that at once.
      if (next === undefined && version === list.version) throw unknownVersion(version)
      version = next
      await pause(clock, WATCH_GAP_MS - (clock.now() - beganAt), signal)
    }
  }
}

/** One watch to its end. The version to go on from; undefined when the server does not know the one given. */
async function watchOnce(
  picture: SlicePicture,
  api: SlicesApi,
  version: string,
  { watchMs, random, signal }: FollowContext,
): Promise<string | undefined> {
  // Shortened by up to a quarter, so that clients which a restart of the server has put in step do not stay so.
  for await (const event of api.watch(version, watchMs * (1 - random() / 4), signal)) {
    if (event.type === 'GONE') return undefined
    if (event.type === 'BOOKMARK') picture.confirm()
    else picture.apply(event)
    version = event.version
  }
  picture.confirm()
  return version
}

function unknownVersion(version: string): MeshError {
  return new MeshError('MESH_ERR_REGISTRY', `Kubernetes does not know the version that it has listed itself: ${version}`)
}
