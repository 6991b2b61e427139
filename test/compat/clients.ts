import axios, { type AxiosInstance, type CreateAxiosDefaults } from 'axios'
import ky from 'ky'
import { createFetch, type $Fetch } from 'ofetch'
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
  readonly of: (mesh: Mesh) => { readonly fetch?: Fetch; readonly dispatcher?: Dispatcher }
}

const ways: readonly Way[] = [
  { name: 'fetch', of: ({ fetch }) => ({ fetch }) },
  { name: 'dispatcher', of: ({ dispatcher }) => ({ dispatcher }) },
]

function answerOf({ status, headers, body }: Response): Answer {
  return { status, headers, body: body ?? nothing() }
}

function headersOf(fields: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const headers = new Headers()
  for (const [name, value] of Object.entries(fields)) {
    for (const single of [value ?? []].flat()) headers.append(name, single)
  }
  return headers
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
    return { status: statusCode, headers: headersOf(fields), body }
  },
  async json({ dispatcher }, url, value) {
    const headers = { 'content-type': 'application/json' }
    return (await request(url, { dispatcher, method: 'POST', headers, body: JSON.stringify(value) })).body.json()
  },
}

function kyClient(way: Way): Client {
  return {
    name: `ky { ${way.name} }`,
    Form: FormData,
    isFetch: true,
    async send(mesh, url, outgoing) {
      return answerOf(await ky(url, { ...initOf(outgoing), ...(way.of(mesh) as object), throwHttpErrors: false, retry: 0 }))
    },
    json: (mesh, url, value) => ky.post(url, { json: value, ...(way.of(mesh) as object) }).json(),
  }
}

function ofetchClient(way: Way): Client {
  const clientOf = (mesh: Mesh): $Fetch => {
    const { fetch = globalThis.fetch, dispatcher } = way.of(mesh)
    return createFetch({ fetch, Headers, AbortController, defaults: { dispatcher } as object })
  }
  return {
    name: `ofetch { ${way.name} }`,
    Form: FormData,
    isFetch: true,
    async send(mesh, url, outgoing) {
      const options = { ...initOf(outgoing), responseType: 'stream', ignoreResponseError: true, retry: 0 }
      return answerOf(await clientOf(mesh).raw(url, options as object))
    },
    json: (mesh, url, value) => clientOf(mesh)(url, { method: 'POST', body: value }),
  }
}

/** The shape that `openapi-typescript` makes of a service's description. */
interface Paths {
  [path: `/${string}`]: {
    post: {
      requestBody: { content: { 'application/json': object } }
      responses: { 200: { content: { 'application/json': object } }; default: { content: { 'text/plain': string } } }
    }
  }
}

function openapiClient(way: Way): Client {
  const clientOf = (mesh: Mesh, url: string): ReturnType<typeof createClient<Paths>> => {
    const { fetch = globalThis.fetch, dispatcher } = way.of(mesh)
    return createClient<Paths>({ baseUrl: new URL(url).origin, fetch, requestInitExt: { dispatcher } })
  }
  const pathOf = (url: string): `/${string}` => url.slice(new URL(url).origin.length) as `/${string}`
  return {
    name: `openapi-fetch { ${way.name} }`,
    Form: FormData,
    isFetch: true,
    async send(mesh, url, { method = 'GET', ...outgoing } = {}) {
      const options = { ...initOf(outgoing), parseAs: 'stream', bodySerializer: (body: unknown) => body }
      const { response, error } = await clientOf(mesh, url).request(method.toLowerCase() as 'post', pathOf(url), options as never)
      // It has read the body of an error already.
      return answerOf(response.bodyUsed ? new Response(error, response) : response)
    },
    json: async (mesh, url, value) => (await clientOf(mesh, url).POST(pathOf(url), { body: value })).data,
  }
}

function axiosClient(way: Way): Client {
  const clientOf = (mesh: Mesh): AxiosInstance => {
    const { fetch, dispatcher } = way.of(mesh)
    const options = { adapter: 'fetch', fetchOptions: { dispatcher }, env: fetch && { fetch, Request, Response } }
    return axios.create(options as CreateAxiosDefaults)
  }
  return {
    name: `axios { ${way.name} }`,
    Form: FormData,
    isFetch: true,
    async send(mesh, url, { body, headers, ...outgoing } = {}) {
      const { status, headers: fields, data } = await clientOf(mesh).request<ReadableStream<Uint8Array> | null>({
        url,
        ...outgoing,
        data: body,
        // It calls every body a form of the older kind, unless it is told otherwise.
        headers: body instanceof FormData ? { 'content-type': 'multipart/form-data' } : { ...headers },
        responseType: 'stream',
        validateStatus: () => true,
      })
      return { status, headers: headersOf(fields as Record<string, string | string[]>), body: data ?? nothing() }
    },
    json: async (mesh, url, value) => (await clientOf(mesh).post(url, value)).data,
  }
}

/** Every client that the mesh promises to carry. */
export const clients: readonly Client[] = [
  fetchClient('mesh.fetch', ({ fetch }) => fetch, FormData),
  fetchClient('built-in fetch', ({ dispatcher }) => (input, init) => fetch(input, { ...init, dispatcher } as object), FormData),
  fetchClient(
    'undici.fetch',
    ({ dispatcher }) => (input, init) => undiciFetch(input as string, { ...(init as object), dispatcher }),
    UndiciFormData,
  ),
  undiciRequest,
  ...ways.flatMap((way) => [kyClient(way), ofetchClient(way), openapiClient(way), axiosClient(way)]),
]
