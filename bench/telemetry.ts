import { systemClock } from '../src/base/clock.js'
import { Ambient } from '../src/call/ambient.js'
import { BodyFlow } from '../src/call/body-flow.js'
import type { Attempt, Call } from '../src/call/call.js'
import { Cancellation } from '../src/call/cancellation.js'
import { Chain } from '../src/call/chain.js'
import { Events } from '../src/call/events.js'
import type { Inbound, InboundReply } from '../src/call/inbound.js'
import { stack, type Handler } from '../src/call/layer.js'
import { Reply } from '../src/call/reply.js'
import { attemptMeter } from '../src/telemetry/attempt-metrics.js'
import { attemptSpan } from '../src/telemetry/attempt-span.js'
import { callMetrics } from '../src/telemetry/call-metrics.js'
import { callSpan } from '../src/telemetry/call-span.js'
import { Metrics } from '../src/telemetry/metrics.js'
import { peerMetrics, requestMeter } from '../src/telemetry/request-metrics.js'
import { peerOnSpan, serverSpan } from '../src/telemetry/server-span.js'
import { Tracing } from '../src/telemetry/tracing.js'

/**
 * What spans and metrics add to a call when no SDK is registered: CPU of a loop through the stages of telemetry around a
 * handler that does nothing, less that of the same loop without them, in rounds that take turns.
 */
const ROUNDS = 21
const CALLS = 50_000

const endpoint = { id: 'users-1', host: '10.0.0.7', port: 80, weight: 1, status: 'ready', zone: undefined, region: undefined, priority: 0, metadata: {} } as const
const cancellation = new Cancellation()
const call: Call = {
  service: 'users', method: 'GET', path: '/users/42', template: '/users/{id}', headers: [], body: null, startedAt: 0, timeoutMs: 1_000, attemptTimeoutMs: 1_000,
  priority: 'normal', cancellation, idempotent: undefined, once: false, chain: undefined, resends: 0, hedge: false, tried: [],
}

const answer: Handler<Attempt> = async () => {
  const flow = new BodyFlow({ pause() {}, resume() {}, abort() {} })
  flow.end({})
  return new Reply({ status: 200, headers: {}, endpoint, attempts: 1, flow })
}

const tracing = new Tracing('0.0.0')
const events = new Events()
const metrics = new Metrics({ version: '0.0.0', observe: () => [] })
const door = (handle: Handler<Attempt>): Handler<Call> => (of) => handle({ call: of, endpoint, headers: of.headers, cancellation, pick: undefined })
/** As the stage that measures for the balancer is there anyway. */
const measured = (over: (attempt: Attempt, startedAtMs: number, status: number | undefined, error: Error | undefined) => void): Handler<Attempt> => (attempt) => {
  const startedAtMs = systemClock.now()
  return answer(attempt).then((reply) => {
    void reply.done.then(({ error }) => over(attempt, startedAtMs, reply.status, error))
    return reply
  })
}
const plain = door(measured(() => {}))
const spansOnly = stack<Call>(callSpan(tracing))(door(attemptSpan(tracing, new Ambient())(measured(() => {}))))
const whole = stack<Call>(callSpan(tracing), callMetrics(metrics, 'users'))(
  door(attemptSpan(tracing, new Ambient())(measured(attemptMeter({ metrics, tracing, events, clock: systemClock })))),
)

const inbound: Inbound = {
  method: 'GET', target: '/users/42', scheme: 'http', remoteAddress: '10.0.0.9', cancellation, header: () => undefined, proceed: () => Promise.reject(new Error()),
  deadlineAt: Infinity, traceHeaders: [], priority: 'normal', chain: new Chain(false), loadReport: undefined, signal: () => new AbortController().signal,
  peer: { service: 'orders', principal: 'orders', issuer: 'i', claims: {} },
}
const served: Handler<Inbound, InboundReply> = async () => ({ status: 200, route: '/users/:id', aborted: false, answer: undefined })
const parts = { metrics, events, clock: systemClock }
const within = stack<Inbound, InboundReply>(serverSpan(tracing), peerOnSpan(tracing), peerMetrics(parts, tracing))(served)
const meter = requestMeter(parts)
/** As the stage that answers refusals is there anyway. */
const wholeInbound: Handler<Inbound, InboundReply> = async (of) => {
  const startedAtMs = systemClock.now()
  const reply = await within(of)
  meter(of, startedAtMs, { status: reply.status, reply })
  return reply
}
const bareInbound: Handler<Inbound, InboundReply> = async (of) => await served(of)

async function microsPerCall<In>(send: Handler<In, unknown>, input: In): Promise<number> {
  const before = process.cpuUsage()
  for (let i = 0; i < CALLS; i++) await send(input)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / CALLS
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
}

const spans: number[] = []
const all: number[] = []
const requests: number[] = []
for (let i = -5; i < ROUNDS; i++) {
  const base = await microsPerCall(plain, call)
  const withSpans = await microsPerCall(spansOnly, call)
  const withAll = await microsPerCall(whole, call)
  const bare = await microsPerCall(bareInbound, inbound)
  const withRequests = await microsPerCall(wholeInbound, inbound)
  // The first rounds warm the code up.
  if (i < 0) continue
  spans.push(withSpans - base)
  all.push(withAll - base)
  requests.push(withRequests - bare)
}
console.log(`${ROUNDS} rounds of ${CALLS} calls, Node ${process.version}, no SDK registered; medians of the differences pair by pair`)
const figures = { 'outbound, spans': spans, 'outbound, spans and metrics': all, 'inbound, spans and metrics': requests }
for (const [name, values] of Object.entries(figures)) console.log(`${name.padEnd(28)} ${median(values).toFixed(3)} µs of CPU`)
