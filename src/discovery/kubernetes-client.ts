import { readFile } from 'node:fs/promises'
import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { boundedText, createHttpClient } from '../base/http.js'
import type { Cluster } from './kubernetes-cluster.js'
import type { TokenReader } from './kubernetes-token.js'

export interface KubernetesAnswer {
  readonly status: number
  readonly body: string
}

/** A good answer that has just begun; any other is read to its end. */
export type KubernetesStream = KubernetesAnswer | { readonly status: 200; readonly chunks: AsyncIterable<Uint8Array> }

/** A conversation with one API server: whoever opens it closes it. */
export interface KubernetesClient {
  /** The answer, whatever its status. Throws `MESH_ERR_REGISTRY` when there is none. */
  get(path: string, query: Query, signal: AbortSignal): Promise<KubernetesAnswer>
  /** As `get`, but a good answer is handed over as it comes, and breaks off after `idleMs` of silence. */
  stream(path: string, query: Query, idleMs: number, signal: AbortSignal): Promise<KubernetesStream>
  close(): Promise<void>
}

type Query = Readonly<Record<string, string>>
type Headers = Readonly<Record<string, string>>

const ANSWER_TIMEOUT_MS = 10_000

/** A list of 500 slices of 100 endpoints each is some 15 MB, and slices may be ten times that. */
const MAX_BYTES = 128 * 1024 * 1024

/** Opens a conversation; the token is asked for with every request, the authority to trust is read once. */
export async function openKubernetes(
  cluster: Cluster,
  token: TokenReader | undefined,
  clock: Clock,
): Promise<KubernetesClient> {
  const http = createHttpClient(clock, { ca: await readCa(cluster.caFile) })
  const urlOf = (path: string, query: Query): string => `${cluster.url}${path}?${new URLSearchParams(query)}`

  /** Asks with the token as it is, and once more when it is refused and has been renewed since. */
  const ask = async <A extends { status: number }>(send: (headers: Headers) => Promise<A>): Promise<A> => {
    const given = await token?.()
    try {
      const answer = await send(headersWith(given))
      if (answer.status !== 401 || token === undefined) return answer
      const renewed = await token(given)
      return renewed === given ? answer : await send(headersWith(renewed))
    } catch (cause) {
      throw unanswered(`Kubernetes does not answer at ${cluster.url}`, cause)
    }
  }

  return {
    get: (path, query, signal) =>
      ask((headers) =>
        http.request({ url: urlOf(path, query), headers, timeoutMs: ANSWER_TIMEOUT_MS, maxBytes: MAX_BYTES, signal }),
      ),

    stream: (path, query, idleMs, signal) =>
      ask<KubernetesStream>(async (headers) => {
        const url = urlOf(path, query)
        const { status, chunks } = await http.stream({ url, headers, timeoutMs: ANSWER_TIMEOUT_MS, idleMs, signal })
        return status === 200 ? { status, chunks } : { status, body: await boundedText(chunks) }
      }),

    close: () => http.close(),
  }
}

async function readCa(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unanswered('There is no authority to trust for Kubernetes', cause)
  }
}

function headersWith(token: string | undefined): Headers {
  return { accept: 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) }
}

function unanswered(what: string, cause: unknown): MeshError {
  return new MeshError('MESH_ERR_REGISTRY', `${what}: ${(cause as Error).message}`, { cause })
}
