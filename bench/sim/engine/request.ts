/** `refused`: politely, before any work; the caller offers it to another server at once. */
export type Result = 'success' | 'failure' | 'timeout' | 'refused'

/** A request on its way, and what its reply tells. Requests are used again, by their slot. */
export class Request {
  readonly slot: number
  /** Tells one use of the slot from the next. */
  serial = 0
  client = 0
  server = -1
  /** Of the server, when it was sent: a restarted one is another. */
  generation = 0
  /** Time that a core of speed 1 takes for it. */
  workMs = 0
  bornAtMs = 0
  sentAtMs = 0
  /** The caller has its answer, or has given up; the server may not know yet. */
  settled = false
  result: Result = 'success'
  /** From sending to the answer, as the caller sees it. */
  latencyMs = 0
  /** Of the server: when it came, when work began, how long that took, and how many others were there then and at its end. */
  reachedAtMs = 0
  startedAtMs = 0
  serviceMs = 0
  inFlightOnReach = 0
  inFlightOnReply = 0
  /** What its caller expects elsewhere, 0 where it may not be refused; and what the server that refused it expected of itself. */
  elsewhereMs = 0
  expectedMs = 0
  /** Servers that have politely refused it. */
  refusedBy: readonly number[] = []
  /** What the product's balancer knows the attempt by. */
  token: unknown = undefined

  constructor(slot: number) {
    this.slot = slot
  }
}

/** All requests, by slot. */
export class Requests {
  readonly bySlot: Request[] = []
  readonly #free: number[] = []

  take(): Request {
    const slot = this.#free.pop()
    if (slot !== undefined) return this.bySlot[slot]!
    const request = new Request(this.bySlot.length)
    this.bySlot.push(request)
    return request
  }

  release(request: Request): void {
    request.serial = (request.serial + 1) & 0x7fffffff
    request.token = undefined
    if (request.refusedBy.length > 0) request.refusedBy = []
    this.#free.push(request.slot)
  }
}
