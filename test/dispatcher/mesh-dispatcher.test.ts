import { AsyncLocalStorage } from 'node:async_hooks'
import { fetch as undiciFetch, request } from 'undici'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { BodyFlow } from '../../src/call/body-flow.js'
import type { Cancellation } from '../../src/call/cancellation.js'
import { Reply } from '../../src/call/reply.js'
import { meshFetch } from '../../src/dispatcher/fetch.js'
import { MeshDispatcher, type DispatchTarget } from '../../src/dispatcher/mesh-dispatcher.js'
import type { DispatchedRequest } from '../../src/dispatcher/request-of.js'

const endpoint = { id: 'i', host: '127.0.0.1', port: 1, weight: 1, status: 'ready', zone: undefined, region: undefined, priority: 0, metadata: {} } as const

type Sent = DispatchedRequest & { readonly service: string; readonly cancellation: Cancellation }

let sent: Sent[]
let answer: (request: Sent) => Promise<Reply>
let dispatcher: MeshDispatcher

function replyOf(status: number, body: string, headers: Record<string, string | string[]> = {}): Reply {
  const flow = new BodyFlow({ pause: () => {}, resume: () => {}, abort: () => {} })
  if (body !== '') flow.push(Buffer.from(body))
  flow.end({})
  return new Reply({ status, headers, endpoint, attempts: 1, flow })
}

function dispatcherWith(unknownHosts: DispatchTarget['unknownHosts']): MeshDispatcher {
  return new MeshDispatcher({
    unknownHosts,
    serviceFor: (origin) => (origin.hostname === 'users' ? 'users' : origin.hostname === 'asked' ? Promise.resolve(undefined) : undefined),
    send: (service, req) => {
      const whole = { ...req, service }
      sent.push(whole)
      return answer(whole)
    },
  })
}

beforeEach(() => {
  sent = []
  answer = async () => replyOf(200, '{"ok":true}', { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] })
  dispatcher = dispatcherWith('error')
})
afterEach(() => dispatcher.close())

describe('mesh dispatcher', () => {
  it('carries a request of undici and of the built-in fetch to the service that the host names', async () => {
    const plain = await request('http://users/a', { dispatcher, query: { x: ['1', '2'] }, headers: { 'X-Odd': 'v' } })
    expect(await plain.body.json()).toEqual({ ok: true })
    const fetched = await meshFetch(dispatcher)('http://users/b?c=d', { headers: { 'x-even': 'w' } })
    expect(await fetched.json()).toEqual({ ok: true })
    expect(fetched.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
    expect(sent.map(({ service, method, path }) => [service, method, path])).toEqual([
      ['users', 'GET', '/a?x=1&x=2'],
      ['users', 'GET', '/b?c=d'],
    ])
    expect(sent[0]!.headers).toEqual(expect.arrayContaining(['x-odd', 'v']))
    expect(sent[1]!.headers).toEqual(expect.arrayContaining(['x-even', 'w']))
  })

  it('throws the error of the mesh from fetch, not the TypeError around it', async () => {
    const error = new MeshError('MESH_ERR_NO_ENDPOINTS', 'users: none')
    answer = () => Promise.reject(error)
    await expect(meshFetch(dispatcher)('http://users/')).rejects.toBe(error)
    await expect(undiciFetch('http://users/', { dispatcher })).rejects.toMatchObject({ cause: error })
    await expect(request('http://users/', { dispatcher })).rejects.toBe(error)
  })

  it('cancels the call and rejects at once when the caller aborts', async () => {
    answer = () => new Promise(() => {})
    const controller = new AbortController()
    const pending = request('http://users/', { dispatcher, signal: controller.signal })
    const reason = new Error('enough')
    setImmediate(() => controller.abort(reason))
    await expect(pending).rejects.toBe(reason)
    expect(sent[0]!.cancellation.reason).toMatchObject({ code: 'MESH_ERR_ABORTED', cause: reason })
  })

  it('refuses hosts that name no service, and says what to do', async () => {
    for (const host of ['elsewhere.example', 'asked']) {
      await expect(request(`http://${host}/`, { dispatcher })).rejects.toMatchObject({
        code: 'MESH_ERR_UNKNOWN_HOST',
        message: expect.stringContaining("'passthrough'"),
      })
    }
    expect(sent).toEqual([])
  })

  it('refuses to upgrade a connection to a service', async () => {
    await expect(dispatcher.upgrade({ origin: 'http://users', path: '/', protocol: 'websocket' } as never)).rejects.toMatchObject({
      code: 'MESH_ERR_REQUEST',
    })
  })

  it('survives a handler that throws, and tells it of its own error', async () => {
    for (const at of ['onRequestStart', 'onResponseStart', 'onResponseData', 'onResponseEnd'] as const) {
      const thrown = new Error(at)
      const told = await new Promise((resolve) => {
        dispatcher.dispatch(
          { origin: 'http://users', path: '/', method: 'GET' },
          {
            onRequestStart: () => {},
            onResponseStart: () => {},
            onResponseData: () => {},
            onResponseEnd: () => {},
            onResponseError: (_controller, error) => resolve(error),
            [at]: () => {
              throw thrown
            },
          },
        )
      })
      expect(told).toBe(thrown)
    }
  })

  it('calls a handler in the context of its own request, whoever opened the socket', async () => {
    const context = new AsyncLocalStorage<string>()
    let flow!: BodyFlow
    answer = async () => {
      flow = new BodyFlow({ pause: () => {}, resume: () => {}, abort: () => {} })
      return new Reply({ status: 200, headers: {}, endpoint, attempts: 1, flow })
    }
    const seen: unknown[] = []
    const see = (): void => void seen.push(context.getStore())
    await context.run('mine', async () => {
      const started = new Promise<void>((resolve) => {
        dispatcher.dispatch(
          { origin: 'http://users', path: '/', method: 'GET' },
          { onRequestStart: see, onResponseStart: () => (see(), resolve()), onResponseData: see, onResponseEnd: see, onResponseError: see },
        )
      })
      await started
    })
    context.run('theirs', () => {
      flow.push(Buffer.from('x'))
      flow.end({})
    })
    expect(seen).toEqual(['mine', 'mine', 'mine', 'mine'])
  })

  it('gives no faster than the handler takes', async () => {
    const chunks: string[] = []
    await new Promise<void>((resolve, reject) => {
      dispatcher.dispatch(
        { origin: 'http://users', path: '/', method: 'GET' },
        {
          onRequestStart: () => {},
          onResponseStart: (controller) => {
            controller.pause()
            setImmediate(() => {
              expect(chunks).toEqual([])
              controller.resume()
            })
          },
          onResponseData: (_controller, chunk) => void chunks.push(chunk.toString()),
          onResponseEnd: () => resolve(),
          onResponseError: (_controller, error) => reject(error),
        },
      )
    })
    expect(chunks.join('')).toBe('{"ok":true}')
  })
})
