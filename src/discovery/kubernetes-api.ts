import { MeshError } from '../base/errors.js'
import { linesOf } from '../base/http-lines.js'
import type { KubernetesAnswer, KubernetesClient } from './kubernetes-client.js'
import { readWatchEvent, type WatchEvent } from './kubernetes-event.js'

/** The slices of one service at one version of the cluster. */
export interface SliceList {
  /** Opaque: only to be given back. */
  readonly version: string
  readonly objects: readonly unknown[]
}

/** What an API server can be asked about the slices of one service. */
export interface SlicesApi {
  /** Every slice as it is now. Throws `MESH_ERR_REGISTRY` or `MESH_ERR_SNAPSHOT`. */
  list(signal: AbortSignal): Promise<SliceList>
  /** Every change after `version`, for `forMs` at most; then it ends. Throws as `list` does. */
  watch(version: string, forMs: number, signal: AbortSignal): AsyncIterable<WatchEvent>
}

const PAGE_SLICES = 500

/** The cluster's own store takes no object over 1.5 MB. */
const MAX_LINE_BYTES = 4 * 1024 * 1024

/** How much later than asked for a watch may end before its connection counts as dead. */
const WATCH_GRACE_MS = 10_000

export function slicesOf(service: string, namespace: string, client: KubernetesClient): SlicesApi {
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`
  const labelSelector = `kubernetes.io/service-name=${service}`

  const readPage = (answer: KubernetesAnswer): Page => {
    if (answer.status !== 200) throw refusal('list', service, answer)
    return pageIn(answer.body, service)
  }

  /** Undefined when the server has forgotten the first page before it was asked for the last. */
  const listPages = async (signal: AbortSignal): Promise<SliceList | undefined> => {
    const query = { labelSelector, limit: `${PAGE_SLICES}` }
    let page = readPage(await client.get(path, query, signal))
    const objects = [...page.objects]
    while (page.next !== undefined) {
      const answer = await client.get(path, { ...query, continue: page.next }, signal)
      if (answer.status === 410) return undefined
      page = readPage(answer)
      objects.push(...page.objects)
    }
    return { version: page.version, objects }
  }

  return {
    async list(signal) {
      return (await listPages(signal)) ?? readPage(await client.get(path, { labelSelector }, signal))
    },

    async *watch(version, forMs, signal) {
      const query = {
        labelSelector,
        watch: 'true',
        resourceVersion: version,
        allowWatchBookmarks: 'true',
        timeoutSeconds: `${Math.ceil(forMs / 1_000)}`,
      }
      const answer = await client.stream(path, query, forMs + WATCH_GRACE_MS, signal)
      if ('chunks' in answer) {
        for await (const line of linesFrom(answer.chunks, service)) yield readWatchEvent(line)
      } else if (answer.status === 410) {
        yield { type: 'GONE' }
      } else {
        throw refusal('watch', service, answer)
      }
    },
  }
}

async function* linesFrom(chunks: AsyncIterable<Uint8Array>, service: string): AsyncGenerator<string> {
  try {
    yield* linesOf(chunks, MAX_LINE_BYTES)
  } catch (cause) {
    const message = `The watch of '${service}' in Kubernetes broke off: ${(cause as Error).message}`
    throw new MeshError('MESH_ERR_REGISTRY', message, { cause })
  }
}

/** A list, or one page of it and where the next one is. */
interface Page extends SliceList {
  readonly next: string | undefined
}

interface ListObject {
  readonly metadata?: { readonly resourceVersion?: unknown; readonly continue?: unknown } | null
  readonly items?: unknown
}

function pageIn(body: string, service: string): Page {
  const malformed = (what: string, cause?: unknown): MeshError =>
    new MeshError('MESH_ERR_SNAPSHOT', `Kubernetes' list of the slices of '${service}' ${what}`, { service, cause })
  let list: ListObject | null
  try {
    list = JSON.parse(body) as ListObject | null
  } catch (cause) {
    throw malformed('is not JSON', cause)
  }
  const { resourceVersion: version, continue: next } = list?.metadata ?? {}
  if (typeof version !== 'string' || version === '') throw malformed('has no resourceVersion')
  if (!Array.isArray(list?.items)) throw malformed('has no items')
  return { version, objects: list.items, next: typeof next === 'string' && next !== '' ? next : undefined }
}

function refusal(what: 'list' | 'watch', service: string, { status, body }: KubernetesAnswer): MeshError {
  const advice = status === 403 ? '; let its role list and watch endpointslices' : ''
  const why = `status ${status}: ${reasonIn(body)}${advice}`
  return new MeshError('MESH_ERR_REGISTRY', `Kubernetes would not ${what} the slices of '${service}': ${why}`)
}

/** The reason in a `Status`; a proxy in between may answer with something else. */
function reasonIn(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown }
    if (typeof message === 'string') return message.slice(0, 300)
  } catch {
    // Not JSON: the text itself has to do.
  }
  return body.slice(0, 200).trim()
}
