import { systemClock, type Clock } from '../base/clock.js'
import { pause } from '../base/pause.js'
import { systemRandom, type Random } from '../base/random.js'
import { fields, httpUrl, optionError, port, text, wholeNumber, type Reader } from '../base/validate.js'
import { unlisted } from './fixed.js'
import { slicesOf } from './kubernetes-api.js'
import { openKubernetes } from './kubernetes-client.js'
import { findCluster, namespaceName, type ClusterOptions } from './kubernetes-cluster.js'
import { followSlices } from './kubernetes-follow.js'
import { SlicePicture } from './kubernetes-picture.js'
import { tokenReader } from './kubernetes-token.js'
import type { RawSnapshot, Registry } from './registry.js'

export interface KubernetesOptions extends ClusterOptions {
  /**
   * URL of the API server, such as `http://127.0.0.1:8001` for `kubectl proxy`. Default: that of the cluster in which this
   * pod runs, `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`.
   */
  readonly url?: string | undefined
  /** Namespace of the services. Default: that of this pod; `default` where `url` is given. */
  readonly namespace?: string | undefined
  /**
   * Folder with `token`, `ca.crt` and `namespace` of a service account. Default:
   * `/var/run/secrets/kubernetes.io/serviceaccount`; none where `url` is given.
   */
  readonly serviceAccountDir?: string | undefined
  /** File with the token to ask with, read again every minute and whenever it is refused. Default: `token` in that folder. */
  readonly tokenFile?: string | undefined
  /**
   * File with the authorities to trust, PEM, read again whenever the server has failed. Default: `ca.crt` in that folder;
   * without one those of Node.
   */
  readonly caFile?: string | undefined
  /**
   * The port to call, for services with several: its name in the service, or its number on the pods. Default: the only
   * TCP port, else the one named `http`.
   */
  readonly port?: string | number | undefined
  /**
   * How long the server may keep one watch open, 1000–600000. A connection that has been silent for ten seconds longer
   * counts as dead. Default 45000.
   */
  readonly watchMs?: number | undefined
}

export const kubernetesDefaults = Object.freeze({ watchMs: 45_000 })

const portOrName: Reader<string | number> = (value, path) => {
  if (typeof value === 'number') return port(value, path)
  if (typeof value === 'string' && /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) return value
  throw optionError(path, 'the name or the number of a port', value)
}

const readOptions = fields<KubernetesOptions>({
  url: httpUrl,
  namespace: namespaceName,
  serviceAccountDir: text,
  tokenFile: text,
  caFile: text,
  port: portOrName,
  watchMs: wholeNumber(1_000, 600_000),
})

/** Least time from one snapshot to the next, for services that change all the time. */
const TELL_GAP_MS = 100

/** Node agent, API server and controller each take their part before the callers hear that a pod is leaving. */
const PROPAGATION_MS = 5_000

/**
 * Kubernetes: the EndpointSlices of the Service of the same name
 * ({@link https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/}), without any options inside a pod
 * whose service account may list and watch them. An endpoint is named by its pod; it is `ready` when its condition says
 * so, `draining` when it is terminating and still serving, and left out otherwise. Its metadata has `nodeName`, and
 * `forZones` where the platform hints at zones. Registration is the platform's: an instance that registers here is
 * accepted and nothing is written. Throws `MESH_ERR_OPTION`.
 */
export function kubernetes(options: KubernetesOptions = {}, clock: Clock = systemClock, random: Random = systemRandom): Registry {
  const given = readOptions(options, 'kubernetes')
  const cluster = findCluster(given)
  const token = cluster.tokenFile === undefined ? undefined : tokenReader(cluster.tokenFile, clock)
  const watchMs = given.watchMs ?? kubernetesDefaults.watchMs

  async function* watch(service: string, signal: AbortSignal): AsyncGenerator<RawSnapshot | Error> {
    const client = await openKubernetes(cluster, token, clock)
    const picture = new SlicePicture(given.port)
    const leaving = new AbortController()
    const context = { watchMs, clock, random, signal: AbortSignal.any([signal, leaving.signal]) }
    let failure: { readonly error: unknown } | undefined
    // Goes on while nobody asks for the next snapshot, so that changes which come fast are told as one.
    const following = followSlices(picture, slicesOf(service, cluster.namespace, client), context)
      .catch((error: unknown) => (failure = { error }))
      .finally(() => picture.confirm())
    try {
      while (!signal.aborted) {
        await picture.news(signal)
        if (signal.aborted) return
        if (failure !== undefined) throw failure.error
        yield* picture.tell()
        await pause(clock, TELL_GAP_MS, signal)
      }
    } finally {
      leaving.abort()
      await following
      await client.close()
    }
  }

  return {
    name: 'kubernetes',
    propagationMs: PROPAGATION_MS,
    watch: (service, { signal }) => watch(service, signal),
    register: async () => unlisted(),
  }
}
