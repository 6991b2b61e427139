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
 * longer knows that version. Throws when the server fails; ends when `signal` aborts.
 * {@link https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes}
 */
export async function followSlices(picture: SlicePicture, api: SlicesApi, context: FollowContext): Promise<void> {
  const { clock, signal } = context
  while (!signal.aborted) {
    const list = await api.list(signal)
    picture.replace(list.objects)
    for (let at: Position = { version: list.version, isGone: false }; !at.isGone && !signal.aborted; ) {
      const beganAt = clock.now()
      at = await watchOnce(picture, api, at.version, context)
      // To list again would bring the same version, and that at once.
      if (at.isGone && at.version === list.version) throw unknownVersion(at.version)
      if (!at.isGone) await pause(clock, WATCH_GAP_MS - (clock.now() - beganAt), signal)
    }
  }
}

/** The version that a picture has come to, and whether the server still knows it. */
interface Position {
  readonly version: string
  readonly isGone: boolean
}

/** One watch to its end. */
async function watchOnce(picture: SlicePicture, api: SlicesApi, from: string, context: FollowContext): Promise<Position> {
  const { watchMs, random, signal } = context
  // Shortened by up to a quarter, so that clients which a restart of the server has put in step do not stay so.
  const forMs = Math.round(watchMs * (1 - random() / 4))
  let version = from
  for await (const event of api.watch(version, forMs, signal)) {
    if (event.type === 'GONE') return { version, isGone: true }
    if (event.type === 'BOOKMARK') picture.confirm()
    else picture.apply(event)
    version = event.version
  }
  picture.confirm()
  return { version, isGone: false }
}

function unknownVersion(version: string): MeshError {
  return new MeshError('MESH_ERR_REGISTRY', `Kubernetes does not know the version that it has listed itself: ${version}`)
}
