import type { Cancellation } from './cancellation.js'
import type { Chain } from './chain.js'
import type { Endpoint } from './endpoint.js'
import type { HeaderList } from './headers.js'
import type { PickReasons } from './pick.js'
import type { RequestBody } from './body.js'
import type { Priority } from './priority.js'

/** A request to a service: knows the service, not the address. Stages pass changed copies down and never write into one, but for `tried`. */
export interface Call {
  readonly service: string
  /** Upper-case. */
  readonly method: string
  /** Path and query, beginning with a slash. */
  readonly path: string
  /** The route that `path` was made from, such as `/users/{id}`: the span's name, when known. */
  readonly template: string | undefined
  readonly headers: HeaderList
  readonly body: RequestBody
  /** When the caller began to wait, in the clock's monotonic milliseconds. */
  readonly startedAt: number
  /** Time for the whole call; Infinity for none. */
  readonly timeoutMs: number
  /** Time for one attempt to bring response headers. */
  readonly attemptTimeoutMs: number
  /** How much it matters when not all can be served. */
  readonly priority: Priority
  readonly cancellation: Cancellation
  /** Whether doing it twice is the same as doing it once, as the caller says; undefined: as the method and its header fields say. */
  readonly idempotent: boolean | undefined
  /** The caller wants one attempt and no other, neither after it nor beside it. */
  readonly once: boolean
  /** Of the request that causes this call; undefined outside of any. */
  readonly chain: Chain | undefined
  /** How many attempts came before this one. */
  readonly resends: number
  /** Sent beside another attempt of its call that has no answer yet. */
  readonly hedge: boolean
  /**
   * Ids of the endpoints that this call was given to, in order: not to be picked again while others are left. It is one list for
   * all attempts of a call and the one thing that a stage writes, and only the door does: whoever sends beside an attempt that has
   * no answer yet learns from it where that one went.
   */
  readonly tried: string[]
}

/** One try of a call at one endpoint. It contains its call, so that a stage cannot stand in the wrong room. */
export interface Attempt {
  readonly call: Call
  readonly endpoint: Endpoint
  /** The call's header fields, and those of this attempt alone. */
  readonly headers: HeaderList
  readonly cancellation: Cancellation
  /** Why this endpoint; undefined while nobody records it. */
  readonly pick: PickReasons | undefined
}
