import { BodyFlow } from '../../src/call/body-flow.js'
import type { Attempt, Call } from '../../src/call/call.js'
import { Cancellation } from '../../src/call/cancellation.js'
import { Chain } from '../../src/call/chain.js'
import type { Endpoint } from '../../src/call/endpoint.js'
import type { Inbound } from '../../src/call/inbound.js'
import { Reply } from '../../src/call/reply.js'
import { callOf } from '../support/scripted.js'

export function endpoint(changes: Partial<Endpoint> = {}): Endpoint {
  return { id: 'users-1', host: '10.0.0.7', port: 8081, weight: 1, status: 'ready', zone: undefined, region: undefined, priority: 0, metadata: {}, ...changes }
}

export function call(changes: Partial<Call> = {}): Call {
  return callOf({ headers: [], timeoutMs: Infinity, attemptTimeoutMs: Infinity, ...changes })
}

export function attempt(changes: Partial<Attempt> = {}): Attempt {
  const { call: of = call(), ...rest } = changes
  return { call: of, endpoint: endpoint(), headers: of.headers, cancellation: of.cancellation, pick: undefined, ...rest }
}

/** An answer whose body the test holds: `flow.end({})` or `flow.fail(error)` ends it. */
export function openReply(status = 200, attempts = 1): Reply {
  const flow = new BodyFlow({ pause: () => {}, resume: () => {}, abort: () => {} })
  return new Reply({ status, headers: {}, endpoint: endpoint(), attempts, flow })
}

/** An answer whose body is whole. */
export function reply(status = 200, attempts = 1): Reply {
  const answer = openReply(status, attempts)
  answer.flow.end({})
  return answer
}

export function inbound(changes: Partial<Inbound> & { readonly headers?: Readonly<Record<string, string>> } = {}): Inbound {
  const { headers = {}, ...rest } = changes
  return {
    method: 'GET',
    target: '/users/42',
    scheme: 'http',
    remoteAddress: '10.0.0.9',
    header: (name) => headers[name],
    proceed: () => Promise.reject(new Error('the application was reached')),
    deadlineAt: Infinity,
    traceHeaders: [],
    priority: 'normal',
    chain: new Chain(false),
    peer: undefined,
    loadReport: undefined,
    cancellation: new Cancellation(),
    signal: () => new AbortController().signal,
    ...rest,
  }
}
