import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { context, SpanKind, type Context } from '@opentelemetry/api'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { Pool, request } from 'undici'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Ambient } from '../../src/call/ambient.js'
import type { Handler } from '../../src/call/layer.js'
import type { Call } from '../../src/call/call.js'
import { attemptSpan } from '../../src/telemetry/attempt-span.js'
import { callSpan } from '../../src/telemetry/call-span.js'
import { Tracing } from '../../src/telemetry/tracing.js'
import { createTransport, transportDefaults, type Transport } from '../../src/transport/transport.js'
import { attempt, call, endpoint } from './nouns.js'
import { registerSdk, removeSdk, type TestSdk } from './sdk.js'

const arrived: IncomingMessage[] = []
const server: Server = createServer((incoming, answer) => {
  arrived.push(incoming)
  answer.end('x'.repeat(incoming.url === '/large' ? 1_000_000 : 10))
})
const instrumentation = new UndiciInstrumentation()
const tracing = new Tracing('1.2.3')
let port: number
let transport: Transport
let sdk: TestSdk
let send: Handler<Call>

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
beforeEach(() => {
  arrived.length = 0
  sdk = registerSdk()
  instrumentation.setTracerProvider(sdk.provider)
  instrumentation.enable()
  // One connection, so that a second request waits in undici and is written when the first one's answer has come.
  const createPool = (origin: string, options: Pool.Options): Pool => new Pool(origin, { ...options, connections: 1 })
  const users = endpoint({ host: '127.0.0.1', port })
  transport = createTransport(users, { ...transportDefaults, createPool })
  const attempts = attemptSpan(tracing, new Ambient())(transport.handle)
  send = callSpan(tracing)((of) => attempts(attempt({ call: of, endpoint: users })))
})
afterEach(async () => {
  await transport.close()
  instrumentation.disable()
  removeSdk()
})
afterAll(() => void server.close())

function rawValues(message: IncomingMessage, name: string): readonly string[] {
  return message.rawHeaders.filter((_, i) => i % 2 === 1 && message.rawHeaders[i - 1]!.toLowerCase() === name)
}

describe('with @opentelemetry/instrumentation-undici active', () => {
  it('the instrumentation is at work', async () => {
    const { body } = await request(`http://127.0.0.1:${port}/`)
    await body.dump()
    expect(sdk.spans().map(({ kind }) => kind)).toEqual([SpanKind.CLIENT])
    expect(rawValues(arrived[0]!, 'traceparent')).toHaveLength(1)
  })

  it('there is one client span per attempt, and its traceparent alone is on the wire', async () => {
    const own = ['host', 'users', 'traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01']
    const answers = await Promise.all([call(), call(), call({ headers: own })].map((of) => send(of)))
    await Promise.all(answers.map((answer) => answer.text()))
    const clients = sdk.spans().filter(({ kind }) => kind === SpanKind.CLIENT)
    expect(clients.map(({ instrumentationScope }) => instrumentationScope.name)).toEqual(Array(3).fill('sidecarless'))
    expect(sdk.spans()).toHaveLength(6)
    expect(arrived.map((message) => rawValues(message, 'traceparent'))).toEqual(
      clients.map((client) => [`00-${client.spanContext().traceId}-${client.spanContext().spanId}-01`]),
    )
  })

  it("a caller's own requests stay instrumented, before, during and after", async () => {
    const direct = async (): Promise<void> => (await request(`http://127.0.0.1:${port}/`)).body.dump()
    const meshed = send(call())
    await direct()
    await (await meshed).text()
    await direct()
    const scopes = sdk.spans().filter(({ kind }) => kind === SpanKind.CLIENT).map((span) => span.instrumentationScope.name)
    expect(scopes.filter((scope) => scope === 'sidecarless')).toHaveLength(1)
    expect(scopes).toHaveLength(3)
  })

  it("the listeners of a body run in the reader's context, where spans are recorded and no other request is active", async () => {
    const tracer = sdk.provider.getTracer('app')
    const startWork = async (name: string): Promise<void> =>
      tracer.startActiveSpan(name, async (work) => {
        const mine = context.active()
        const { body } = await send(call({ path: '/large' }))
        const strange = new Set<Context>()
        body.on('data', () => void (context.active() !== mine && strange.add(context.active())))
        await new Promise<void>((resolve) => body.on('end', () => resolve(tracer.startSpan(`${name} end`).end())))
        expect(strange.size).toBe(0)
        work.end()
      })
    await startWork('first')
    await startWork('second')
    for (const name of ['first', 'second']) {
      const work = sdk.named(name).spanContext().spanId
      expect(sdk.named(`${name} end`).parentSpanContext?.spanId).toBe(work)
    }
  })
})
