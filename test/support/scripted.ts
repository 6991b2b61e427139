import { BodyFlow } from '../../src/call/body-flow.js'
import type { Attempt, Call } from '../../src/call/call.js'
import { Cancellation } from '../../src/call/cancellation.js'
import type { Endpoint } from '../../src/call/endpoint.js'
import type { Handler } from '../../src/call/layer.js'
import type { ResponseHeaders } from '../../src/call/headers.js'
import { Reply } from '../../src/call/reply.js'

/** An endpoint at which nothing listens. */
export function endpointOf(id: string, fields: Partial<Endpoint> = {}): Endpoint {
  return { id, host: '10.0.0.1', port: 8080, weight: 1, status: 'ready', zone: undefined, region: undefined, priority: 0, metadata: {}, ...fields }
}

/** A GET to `users`. */
export function callOf(fields: Partial<Call> = {}): Call {
  return {
    service: 'users',
    method: 'GET',
    path: '/users/42',
    template: undefined,
    headers: ['host', 'users'],
    body: null,
    startedAt: 0,
    timeoutMs: 1_000,
    attemptTimeoutMs: 500,
    priority: 'normal',
    cancellation: new Cancellation(),
    idempotent: undefined,
    once: false,
    chain: undefined,
    resends: 0,
    hedge: false,
    tried: [],
    ...fields,
  }
}

export function attemptOf(call: Call = callOf(), endpoint: Endpoint = endpointOf('users-1')): Attempt {
  return { call, endpoint, headers: call.headers, cancellation: call.cancellation, pick: undefined }
}

/** A reply that is played by hand: its body stays open until `end` or `fail`. */
export interface ScriptedReply {
  readonly reply: Reply
  /** Why the transfer was stopped; undefined while it was not. */
  readonly abortedWith: Error | undefined
  push(text: string): void
  end(): void
  fail(error: Error): void
}

interface ReplyFields {
  readonly status?: number
  readonly headers?: ResponseHeaders
  readonly endpoint?: Endpoint
  readonly attempts?: number
}

export function openReply(fields: ReplyFields = {}): ScriptedReply {
  const { status = 200, headers = {}, endpoint = endpointOf('users-1'), attempts = 1 } = fields
  let abortedWith: Error | undefined
  const abort = (reason: Error): void => {
    abortedWith ??= reason
    flow.fail(reason)
  }
  const flow = new BodyFlow({ pause: () => {}, resume: () => {}, abort })
  return {
    reply: new Reply({ status, headers, endpoint, attempts, flow }),
    get abortedWith() {
      return abortedWith
    },
    push: (text) => flow.push(Buffer.from(text)),
    end: () => flow.end({}),
    fail: (error) => flow.fail(error),
  }
}

/** A whole reply: its body has ended. */
export function replyOf(fields: ReplyFields & { readonly body?: string } = {}): Reply {
  const { reply, push, end } = openReply(fields)
  if (fields.body !== undefined) push(fields.body)
  end()
  return reply
}

/** What a scripted handler does with one input: answers, throws, or whatever its promise does. */
export type Step<In> = Reply | Error | ((input: In) => Reply | Promise<Reply>)

export interface Scripted<In> {
  readonly handle: Handler<In>
  /** What it was given, in order. */
  readonly seen: readonly In[]
}

/** A last handler that stands for everything below: one step per input, and an error when there is none left. */
export function scripted<In>(...steps: readonly Step<In>[]): Scripted<In> {
  const seen: In[] = []
  return {
    seen,
    handle: async (input) => {
      const step = steps[seen.length]
      seen.push(input)
      if (step === undefined) throw new Error(`The script has no step ${seen.length}`)
      if (step instanceof Error) throw step
      return typeof step === 'function' ? step(input) : step
    },
  }
}

/** Waits for the end that never comes, unless the call or attempt is cancelled: what a silent server looks like. */
export function silence({ cancellation }: Pick<Call | Attempt, 'cancellation'>): Promise<Reply> {
  return new Promise((_, reject) => cancellation.subscribe(reject))
}
