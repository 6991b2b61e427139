import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { onTestFinished } from 'vitest'
import { meshErrorIn, type MeshError } from '../../src/base/errors.js'
import { createMesh, fixed, type Mesh, type MeshOptions, type ServiceOptions } from '../../src/index.js'
import { createFaultProxy, type FaultProxy, type Faults } from '../../src/testing.js'
import { percentile } from './steady-calls.js'

/** What a healthy instance answers with. */
export const KILOBYTE = 'x'.repeat(1024)

/** What instances have been asked: the ids of requests, as often as they came. */
export class Ledger {
  readonly #counts = new Map<string, number>()

  add(id: string | undefined): void {
    if (id !== undefined) this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1)
  }

  /** Ids that came more than once. */
  get duplicates(): readonly string[] {
    return [...this.#counts].filter(([, times]) => times > 1).map(([id]) => id)
  }
}

/** Opens a server on a free port until the test ends. */
async function open(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** An instance that speaks HTTP; by default it writes the request's id down, reads its body and answers a kilobyte. */
export function httpInstance(listener: RequestListener): Promise<number> {
  return open(createServer(listener))
}

export function healthyInstance(ledger = new Ledger()): Promise<number> {
  return httpInstance((request, response) => {
    ledger.add(request.headers['x-request-id'] as string | undefined)
    request.resume().on('end', () => response.end(KILOBYTE))
  })
}

/** An instance that says whatever it likes. */
export function rawInstance(onSocket: (socket: Socket) => void): Promise<number> {
  return open(
    createTcpServer((socket) => {
      socket.on('error', () => {})
      onSocket(socket)
    }),
  )
}

/** A raw instance that gives this answer to everything. */
export function rawAnswer(answer: string, then: (socket: Socket) => void = () => {}): Promise<number> {
  return rawInstance((socket) => socket.on('data', () => socket.write(answer, () => then(socket))))
}

/** A way to an instance that can be disturbed. */
export async function disturbed(port: number, faults: Faults = {}): Promise<FaultProxy> {
  const proxy = await createFaultProxy({ target: { host: '127.0.0.1', port }, faults })
  onTestFinished(() => proxy.close())
  return proxy
}

export interface CallerOptions extends ServiceOptions {
  readonly transport?: MeshOptions['transport']
}

/** What a call has where time is no part of the fault: a machine that is busy with other tests is not what these are about. */
const LONG = { timeoutMs: 20_000, attemptTimeoutMs: 15_000 }

/** No second try, so that every error is seen. */
export const FIRST_TRY = { retry: { maxResends: 0 } }

/** A mesh that calls `users` at these ports; endpoints are called by their port. */
export async function callerOf(ports: readonly number[], { transport, ...users }: CallerOptions = {}): Promise<Mesh> {
  const endpoints = ports.map((port) => ({ id: `users-${port}`, host: '127.0.0.1', port }))
  const mesh = createMesh({
    service: 'orders',
    registry: fixed({ users: endpoints }),
    services: { users: { ...LONG, ...users } },
    transport,
  })
  onTestFinished(() => mesh.close())
  await mesh.ready()
  return mesh
}

/** Endpoints that are known to have failed lately. */
export function blamed(mesh: Mesh): readonly string[] {
  return mesh
    .snapshot()
    .services['users']!.endpoints.filter(({ successRatio }) => successRatio < 1)
    .map(({ id }) => id)
}

export interface Failed {
  readonly method: string
  readonly error: MeshError | undefined
  readonly why: string
}

export interface LoadFigures {
  readonly calls: number
  readonly lost: readonly Failed[]
  /** Attempts per call. */
  readonly extra: number
  /** Most attempts that a call took. */
  readonly maxAttempts: number
  /** Of the calls that were answered, from the fastest to the slowest. */
  readonly latenciesMs: readonly number[]
  readonly p50Ms: number
  readonly p99Ms: number
  /** The longest for which this process itself stood still, since it had something else to do or was not let run. */
  readonly stalledMs: number
}

/** Each kind of failure: code, what is known of the processing, and who is blamed. */
export function failuresOf({ lost }: LoadFigures): ReadonlySet<string> {
  return new Set(lost.map(({ error, why }) => (error === undefined ? why : `${error.code} ${error.processed} ${error.endpoint}`)))
}

export interface LoadOptions {
  readonly calls: number
  /** How many are under way at the same time. Default 8. */
  readonly atOnce?: number
  readonly method?: 'GET' | 'POST' | 'GET and POST'
  /** Before each call, with its number. */
  readonly before?: (call: number) => void | Promise<void>
}

/** Calls `users` and counts what comes of it; every answer must be the whole kilobyte. */
export async function load(mesh: Mesh, { calls, atOnce = 8, method = 'GET', before = () => {} }: LoadOptions): Promise<LoadFigures> {
  const lost: Failed[] = []
  const latenciesMs: number[] = []
  let begun = 0
  let attempts = 0
  let maxAttempts = 0
  const stopCounting = mesh.on('picked', () => void attempts++)
  const loopDelay = monitorEventLoopDelay({ resolution: 10 })
  loopDelay.enable()

  const callOnce = async (call: number): Promise<void> => {
    await before(call)
    const verb = method === 'GET and POST' ? (call % 2 === 0 ? 'GET' : 'POST') : method
    const headers = { 'x-request-id': `${verb}-${call}` }
    const users = mesh.service('users')
    const calledAt = performance.now()
    try {
      const reply = await (verb === 'GET' ? users.get('/', { headers }) : users.post('/', { headers, body: KILOBYTE }))
      maxAttempts = Math.max(maxAttempts, reply.attempts)
      const body = await reply.text()
      if (reply.status === 200 && body === KILOBYTE) latenciesMs.push(performance.now() - calledAt)
      else lost.push({ method: verb, error: undefined, why: `${reply.status}, ${body.length} bytes` })
    } catch (error) {
      const failure = meshErrorIn(error)
      maxAttempts = Math.max(maxAttempts, failure?.attempts ?? 0)
      lost.push({ method: verb, error: failure, why: String(error) })
    }
  }
  const caller = async (): Promise<void> => {
    while (begun < calls) await callOnce(begun++)
  }
  await Promise.all(Array.from({ length: atOnce }, caller))
  stopCounting()
  loopDelay.disable()
  latenciesMs.sort((a, b) => a - b)
  const [p50Ms, p99Ms] = [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99)]
  return { calls, lost, extra: attempts / calls, maxAttempts, latenciesMs, p50Ms, p99Ms, stalledMs: loopDelay.max / 1e6 }
}

/** One line of figures, for who wants to compare runs. */
export function show(id: string, { calls, lost, extra, maxAttempts, p50Ms, p99Ms }: LoadFigures, twin?: LoadFigures): void {
  const ratio = twin === undefined ? '' : ` (twin ${twin.p50Ms.toFixed(1)}/${twin.p99Ms.toFixed(1)})`
  process.stdout.write(
    `${id}: ${calls} calls, lost ${lost.length}, extra ${extra.toFixed(3)}, at most ${maxAttempts} attempts, p50/p99 ${p50Ms.toFixed(1)}/${p99Ms.toFixed(1)} ms${ratio}\n`,
  )
}
