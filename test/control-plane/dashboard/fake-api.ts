import { onTestFinished } from 'vitest'
import { frontDoor } from '../../../src/control-plane/front-door.js'
import { json, Refusal } from '../../../src/control-plane/http/answer.js'
import type { Route } from '../../../src/control-plane/http/route.js'
import { openServer, type HttpServer } from '../../../src/control-plane/http/server.js'
import { emptyWorld, type World } from './world.js'

/** A server that shows the page and tells it of a world that a test makes up. */
export interface FakeApi {
  readonly url: string
  world: World
  /** Paths that were asked for, with their queries. */
  readonly asked: string[]
  /** Ends it; later questions find nobody. */
  stop(): Promise<void>
  /** Starts it anew on the same port. */
  start(): Promise<void>
}

export async function fakeApi(world: World = emptyWorld()): Promise<FakeApi> {
  let server: HttpServer | undefined
  const api = { url: '', world, asked: [] as string[], stop: async () => server?.close(), start }
  const route = (path: string, answer: (world: World, query: URLSearchParams, rest: string) => unknown): Route => ({
    methods: ['GET'],
    path,
    handle: ({ query, rest }) => {
      api.asked.push(`${path}?${query.toString()}`)
      return json(answer(api.world, query, rest))
    },
  })
  const matches = (query: URLSearchParams, key: string, value: string): boolean => [null, value].includes(query.get(key))
  const routes = [
    frontDoor,
    route('/api/services', ({ services }) => services),
    route('/api/edges', ({ edges }) => edges),
    route('/api/instances', ({ instances }, query) => instances.filter(({ service }) => matches(query, 'service', service))),
    route('/api/denials', ({ denials }, query) => denials.filter(({ service }) => matches(query, 'service', service))),
    route('/api/traces', ({ traces }, query) =>
      traces.filter(
        ({ failed, services, durationMs }) =>
          (query.get('failed') !== 'true' || failed) &&
          (query.get('service') === null || services.includes(query.get('service')!)) &&
          durationMs >= Number(query.get('minMs') ?? 0),
      ),
    ),
    route('/api/traces/*', ({ spans }, _query, rest) => {
      const found = spans[rest]
      if (found === undefined) throw new Refusal(404, `no trace ${rest} is kept; it never came, or it was too long ago`)
      return { traceId: rest, spans: found }
    }),
    route('/api/memory', () => ({ spans: 40_120, traces: 9_612, spanBytes: 21_400_000, maxSpanBytes: 33_554_432, series: 12, maxSeries: 2_000 })),
  ]
  async function start(): Promise<void> {
    const port = api.url === '' ? 0 : Number(new URL(api.url).port)
    server = await openServer({ host: '127.0.0.1', port, routes: () => routes })
    api.url = server.url
  }
  await start()
  onTestFinished(() => server?.close())
  return api
}
