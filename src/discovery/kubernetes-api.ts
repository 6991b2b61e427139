import { readFile } from 'node:fs/promises'
import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { boundedText, createHttpClient, type HttpAnswer } from '../base/http.js'
import { linesOf } from '../base/http-lines.js'
import type { Cluster } from './kubernetes-cluster.js'
import { readWatchEvent, type WatchEvent } from './kubernetes-event.js'
import type { TokenReader } from './kubernetes-token.js'

/** The slices of one service at one version of the cluster. */
export interface SliceList {
  /** Opaque: only to be given back. */
  readonly version: string
  readonly objects: readonly unknown[]
}

/** A conversation with an API server about the slices of one service: whoever opens it closes it. */
export interface SlicesApi {
  /** Every slice as it is now. Throws `MESH_ERR_REGISTRY` or `MESH_ERR_SNAPSHOT`. */
  list(signal: AbortSignal): Promise<SliceList>
  /** Every change after `version`, for `forMs` at most; then it ends. Throws as `list` does. */
  watch(version: string, forMs: number, signal: AbortSignal): AsyncIterable<WatchEvent>
  close(): Promise<void>
}

export interface SlicesApiOptions {
  readonly cluster: Cluster
  readonly service: string
  readonly token: TokenReader | undefined
  readonly clock: Clock
}

/** An answer of which only a good one to a watch is not read yet. */
type Answer = Omit<HttpAnswer, 'headers'> & { readonly chunks?: AsyncIterable<Uint8Array> }

const ANSWER_TIMEOUT_MS = 10_000

/** Slices in one answer, each of at most 1,000 endpoints and usually 100; some 30 KB a slice. */
const PAGE_SLICES = 500
const MAX_BYTES = 128 * 1024 * 1024

/** The cluster's own store takes no object over 1.5 MB. */
const MAX_LINE_BYTES = 4 * 1024 * 1024

export async function openSlices({ cluster, service, token, clock }: SlicesApiOptions): Promise<SlicesApi> {
  const http = createHttpClient(clock, { ca: await readCa(cluster.caFile) })
  const path = `/apis/discovery.k8s.io/v1/namespaces/${cluster.namespace}/endpointslices`

  const addressed = (query: Readonly<Record<string, string>>, given: string | undefined) => ({
    url: `${cluster.url}${path}?${new URLSearchParams({ labelSelector: `kubernetes.io/service-name=${service}`, ...query })}`,
    headers: { accept: 'application/json', ...(given !== undefined && { authorization: `Bearer ${given}` }) },
    timeoutMs: ANSWER_TIMEOUT_MS,
  })

  /** Asks with the token as it is, and once more when it is refused and has been renewed since. */
  const ask = async (query: Readonly<Record<string, string>>, send: (to: ReturnType<typeof addressed>) => Promise<Answer>) => {
    const given = await token?.()
    try {
      const answer = await send(addressed(query, given))
      if (answer.status !== 401 || token === undefined) return answer
      const renewed = await token(given)
      return renewed === given ? answer : await send(addressed(query, renewed))
    } catch (cause) {
      throw new MeshError('MESH_ERR_REGISTRY', `Kubernetes does not answer at ${cluster.url}: ${(cause as Error).message}`, { cause })
    }
  }

  const refusal = (what: string, { status, body }: Answer): MeshError => {
    const advice = status === 403 ? '; let its role list and watch endpointslices' : ''
    return new MeshError('MESH_ERR_REGISTRY', `Kubernetes would not ${what} '${service}': status ${status}: ${reasonIn(body)}${advice}`)
  }

  /** All pages; undefined when the first has been forgotten before the last was read. */
  const listIn = async (pageSlices: number | undefined, signal: AbortSignal): Promise<SliceList | undefined> => {
    const objects: unknown[] = []
    for (let next: string | undefined; ; ) {
      const query = { ...(pageSlices !== undefined && { limit: `${pageSlices}` }), ...(next !== undefined && { continue: next }) }
      const answer = await ask(query, (to) => http.request({ ...to, maxBytes: MAX_BYTES, signal }))
      if (answer.status === 410 && next !== undefined) return undefined
      if (answer.status !== 200) throw refusal('list the slices of', answer)
      const page = readPage(answer.body, service)
      objects.push(...page.objects)
      next = page.next
      if (next === undefined) return { version: page.version, objects }
    }
  }

  return {
    async list(signal) {
      const list = (await listIn(PAGE_SLICES, signal)) ?? (await listIn(undefined, signal))
      return list!
    },

    async *watch(version, forMs, signal) {
      const query = {
        watch: 'true',
        resourceVersion: version,
        allowWatchBookmarks: 'true',
        timeoutSeconds: `${Math.ceil(forMs / 1_000)}`,
      }
      const answer = await ask(query, async (to) => {
        const { status, chunks } = await http.stream({ ...to, idleMs: forMs + ANSWER_TIMEOUT_MS, signal })
        return status === 200 ? { status, chunks, body: '' } : { status, body: await boundedText(chunks) }
      })
      if (answer.status === 410) return yield { type: 'GONE' }
      if (answer.chunks === undefined) throw refusal('watch the slices of', answer)
      for await (const line of linesFrom(answer.chunks, service)) yield readWatchEvent(line)
    },

    close: () => http.close(),
  }
}

async function readCa(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new MeshError('MESH_ERR_REGISTRY', `There is no authority to trust for Kubernetes: ${(cause as Error).message}`, { cause })
  }
}

async function* linesFrom(chunks: AsyncIterable<Uint8Array>, service: string): AsyncGenerator<string> {
  try {
    yield* linesOf(chunks, MAX_LINE_BYTES)
  } catch (cause) {
    throw new MeshError('MESH_ERR_REGISTRY', `The watch of '${service}' in Kubernetes broke off: ${(cause as Error).message}`, { cause })
  }
}

function readPage(body: string, service: string): SliceList & { readonly next: string | undefined } {
  const malformed = (what: string, cause?: unknown): MeshError =>
    new MeshError('MESH_ERR_SNAPSHOT', `Kubernetes' list of the slices of '${service}' ${what}`, { service, cause })
  const { metadata, items } = parse(body, malformed)
  const { resourceVersion: version, continue: next } = metadata ?? {}
  if (typeof version !== 'string' || version === '') throw malformed('has no resourceVersion')
  if (!Array.isArray(items)) throw malformed('has no items')
  return { version, objects: items, next: typeof next === 'string' && next !== '' ? next : undefined }
}

interface Page {
  readonly metadata?: { readonly resourceVersion?: unknown; readonly continue?: unknown } | null
  readonly items?: unknown
}

function parse(body: string, malformed: (what: string, cause: unknown) => MeshError): Page {
  try {
    return (JSON.parse(body) as Page | null) ?? {}
  } catch (cause) {
    throw malformed('is not JSON', cause)
  }
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
