import axios, { type AxiosHeaders } from 'axios'
import ky, { type Options as KyOptions } from 'ky'
import { createFetch } from 'ofetch'
import createClient from 'openapi-fetch'
import { fetch as undiciFetch, FormData as UndiciFormData, request, type Dispatcher } from 'undici'
import type { Mesh } from '../../src/mesh.js'

/** What a test asks a client to send. */
export interface Outgoing {
  readonly method?: 'GET' | 'HEAD' | 'POST'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | FormData | ReadableStream<Uint8Array>
  readonly signal?: AbortSignal
}

/** What came back, its body unread. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: AsyncIterable<Uint8Array>
}

/** A client through the mesh. */
export interface Client {
  readonly name: string
  send(mesh: Mesh, url: string, outgoing?: Outgoing): Promise<Answer>
  /** POSTs a value as JSON and reads the answer as JSON, the way its users write it. */
  json(mesh: Mesh, url: string, value: object): Promise<unknown>
  /** The class of forms that it takes. */
  readonly Form: typeof FormData
  /** Whether it does what the Fetch standard says of redirects and content codings; the others hand both on as they came. */
  readonly isFetch: boolean
}

type Fetch = typeof globalThis.fetch

/** How a client that speaks by `fetch` comes to the mesh: by a fetch of the mesh's, or by a dispatcher for the platform's. */
interface Way {
  readonly name: string
  readonly of: (mesh: Mesh) => { readonly fetch: Fetch } | { readonly dispatcher: Dispatcher }
}

const ways: readonly Way[] = [
  { name: 'fetch: mesh.fetch', of: ({ fetch }) => ({ fetch }) },
  { name: 'dispatcher: mesh.dispatcher', of: ({ dispatcher }) => ({ dispatcher }) },
]

function answerOf({ status, headers, body }: Response): Answer {
  return { status, headers, body: body ?? nothing() }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** `duplex` is what the Fetch standard asks of whoever sends a stream. */
function initOf(outgoing: Outgoing = {}): RequestInit {
  return { ...outgoing, duplex: 'half' }
}

function fetchClient(name: string, fetchOf: (mesh: Mesh) => Fetch, Form: typeof FormData): Client {
  return {
    name,
    Form,
    isFetch: true,
    send: async (mesh, url, outgoing) => answerOf(await fetchOf(mesh)(url, initOf(outgoing))),
    async json(mesh, url, value) {
      const headers = { 'content-type': 'application/json' }
      return (await fetchOf(mesh)(url, { method: 'POST', headers, body: JSON.stringify(value) })).json()
    },
  }
}

const undiciRequest: Client = {
  name: 'undici.request',
  Form: UndiciFormData,
  isFetch: false,
  async send({ dispatcher }, url, outgoing) {
    const { statusCode, headers: fields, body } = await request(url, { ...(outgoing as Dispatcher.RequestOptions), dispatcher })
    const headers = new Headers()
    for (const [name, value] of Object.entries(fields)) {
      for (const single of [value ?? []].flat()) headers.append(name, single)
    }
    return { status: statusCode, headers, body }
  },
  async json({ dispatcher }, url, value) {
    const headers = { 'content-type': 'application/json' }
    return (await request(url, { dispatcher, method: 'POST', headers, body: JSON.stringify(value) })).body.json()
  },
}

const kyClient = (way: Way): Client => ({
  name: `ky { ${way.name} }`,
  Form: FormData,
  isFetch: true,
  send: async (mesh, url, outgoing) =>
    answerOf(await ky(url, { ...initOf(outgoing), ...way.of(mesh), throwHttpErrors: false, retry: 0 } as KyOptions)),
  json: (mesh, url, value) => ky.post(url, { json: value, ...way.of(mesh) }).json(),
})

const ofetchClient = (way: Way): Client => ({
  name: `ofetch { ${way.name} }`,
  Form: FormData,
  isFetch: true,
  async send(mesh, url, outgoing) {
    const { fetch = globalThis.fetch, dispatcher } = way.of(mesh) as { fetch?: Fetch; dispatcher?: Dispatcher }
    const ofetch = createFetch({ fetch, Headers, AbortController, defaults: { dispatcher } as object })
    return answerOf(await ofetch.raw(url, { ...initOf(outgoing), responseType: 'stream', ignoreResponseError: true, retry: 0 } as object))
  },
  async json(mesh, url, value) {
    const { fetch = globalThis.fetch, dispatcher } = way.of(mesh) as { fetch?: Fetch; dispatcher?: Dispatcher }
    return createFetch({ fetch, Headers, AbortController, defaults: { dispatcher } as object })(url, { method: 'POST', body: value })
  },
})

/** The shape that `openapi-typescript` makes of a service's description. */
interface Paths {
  [path: `/${string}`]: {
    post: { requestBody: { content: { 'application/json': object } }; responses: { 200: { content: { 'application/json': object } } } }
  }
}

const openapiFetch = (way: Way): Client => ({
  name: `openapi-fetch { ${way.name} }`,
  Form: FormData,
  isFetch: true,
  async send(mesh, url, { method = 'GET', ...outgoing } = {}) {
    const { response, error } = await openapiClient(way, mesh, url).request(
      method.toLowerCase() as 'post',
      pathOf(url),
      { ...initOf(outgoing), parseAs: 'stream', bodySerializer: (body: unknown) => body } as never,
    )
    // It has read the body of an error already.
    return answerOf(response.bodyUsed ? new Response(error as string, response) : response)
  },
  async json(mesh, url, value) {
    return (await openapiClient(way, mesh, url).POST(pathOf(url), { body: value })).data
  },
})

function openapiClient(way: Way, mesh: Mesh, url: string): ReturnType<typeof createClient<Paths>> {
  const { fetch = globalThis.fetch, dispatcher } = way.of(mesh) as { fetch?: Fetch; dispatcher?: Dispatcher }
  return createClient<Paths>({ baseUrl: new URL(url).origin, fetch, requestInitExt: { dispatcher } })
}

function pathOf(url: string): `/${string}` {
  return url.slice(new URL(url).origin.length) as `/${string}`
}

const axiosClient = (way: Way): Client => ({
  name: `axios { ${way.name} }`,
  Form: FormData,
  isFetch: true,
  async send(mesh, url, { body, ...outgoing } = {}) {
    const { status, headers, data } = await axiosOf(way, mesh).request<ReadableStream<Uint8Array> | null>({
      url,
      ...outgoing,
      data: body,
      // Without it, axios calls every body a form of the other kind.
      ...(body instanceof FormData && { headers: { 'content-type': 'multipart/form-data' } }),
      responseType: 'stream',
      validateStatus: () => true,
    })
    return { status, headers: new Headers(pairsOf(headers as AxiosHeaders)), body: data ?? nothing() }
  },
  json: async (mesh, url, value) => (await axiosOf(way, mesh).post(url, value)).data,
})

function axiosOf(way: Way, mesh: Mesh): ReturnType<typeof axios.create> {
  const { fetch, dispatcher } = way.of(mesh) as { fetch?: Fetch; dispatcher?: Dispatcher }
  const env = fetch === undefined ? {} : { env: { fetch, Request, Response } }
  return axios.create({ adapter: 'fetch', ...env, fetchOptions: { dispatcher } as object })
}

function pairsOf(headers: AxiosHeaders): [string, string][] {
  return Object.entries(headers.toJSON()).flatMap(([name, value]) => [value].flat().map((single): [string, string] => [name, String(single)]))
}

/** Every client that the mesh promises to carry. */
export const clients: readonly Client[] = [
  fetchClient('mesh.fetch', ({ fetch }) => fetch, FormData),
  fetchClient('built-in fetch', ({ dispatcher }) => (input, init) => fetch(input, { ...init, dispatcher } as RequestInit), FormData),
  fetchClient(
    'undici.fetch',
    ({ dispatcher }) => (input, init) => undiciFetch(input as string, { ...(init as object), dispatcher }),
    UndiciFormData,
  ),
  undiciRequest,
  ...ways.flatMap((way) => [kyClient(way), ofetchClient(way), openapiFetch(way), axiosClient(way)]),
]
