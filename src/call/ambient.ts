import { AsyncLocalStorage } from 'node:async_hooks'
import { Cancellation } from './cancellation.js'
import type { Inbound } from './inbound.js'

/** What the calls that a request causes inherit from it. */
export type RequestContext = Pick<Inbound, 'deadlineAt' | 'cancellation' | 'traceHeaders' | 'peer' | 'priority' | 'chain'>

/** Carries the context of an inbound request along its asynchronous work. One per mesh: two in a process share nothing. */
export class Ambient {
  readonly #storage = new AsyncLocalStorage<RequestContext>()

  /** The context of the request being handled; undefined outside of any. */
  get current(): RequestContext | undefined {
    return this.#storage.getStore()
  }

  run<T>(context: RequestContext, task: () => T): T {
    return this.#storage.run(context, task)
  }

  /** Runs `task` as caused by the same request, but with time of its own: neither the request's deadline nor its caller ends it. */
  runDetached<T>(task: () => T): T {
    const { current } = this
    return current === undefined ? task() : this.run({ ...current, deadlineAt: Infinity, cancellation: new Cancellation() }, task)
  }
}
