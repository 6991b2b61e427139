import type { ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.js'
import type { Random } from '../base/random.js'
import type { Events, MeshEvents } from '../call/events.js'
import type { Tapped } from '../call/tapped.js'

export interface TapParts {
  readonly service: string
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
}

const MAX_TAPS = 8
/** Lines a second and tap; what is more is counted and told as such. */
const MAX_PER_SEC = 100
/** A reader that leaves so much unread is told nothing more until it has read. */
const MAX_UNREAD_BYTES = 256 * 1024

/** Those who look on. While there is nobody, nothing is told and calls are slowed by nothing. */
export class Taps {
  readonly #parts: TapParts
  readonly #open = new Set<Tap>()
  #leave: (() => void) | undefined

  constructor(parts: TapParts) {
    this.#parts = parts
  }

  /** Answers with server-sent events until the reader goes. */
  open(query: URLSearchParams, response: ServerResponse): void {
    const ratio = Number(query.get('ratio') ?? 1)
    if (!(ratio >= 0 && ratio <= 1)) return refuse(response, 400, 'ratio: expected a number from 0 to 1')
    if (this.#open.size >= MAX_TAPS) return refuse(response, 503, `${MAX_TAPS} taps are open, and no more may be`)
    const { clock, random } = this.#parts
    const tap = new Tap(response, { only: query.get('service') || undefined, ratio, clock, random })
    this.#open.add(tap)
    this.#leave ??= this.#listen()
    response.once('close', () => {
      this.#open.delete(tap)
      if (this.#open.size > 0) return
      this.#leave?.()
      this.#leave = undefined
    })
  }

  close(): void {
    for (const tap of this.#open) tap.end()
  }

  #listen(): () => void {
    const { service, events, clock } = this.#parts
    const tell = (tapped: Tapped): void => {
      for (const tap of this.#open) tap.tell(tapped)
    }
    const leaves = [
      events.on('attempted', (event) => tell(attemptLine(event, service, clock.epochMs()))),
      events.on('served', (event) => tell(requestLine(event, service, clock.epochMs()))),
    ]
    return () => leaves.forEach((leave) => leave())
  }
}

interface TapOptions {
  /** The only service whose attempts and requests are wanted; undefined for all. */
  readonly only: string | undefined
  readonly ratio: number
  readonly clock: Clock
  readonly random: Random
}

/** One who looks on. */
class Tap {
  readonly #response: ServerResponse
  readonly #options: TapOptions
  #second = -Infinity
  #told = 0
  #dropped = 0

  constructor(response: ServerResponse, options: TapOptions) {
    this.#response = response
    this.#options = options
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    // The reader learns at once that it is heard.
    response.write(': listening\n\n')
  }

  tell(tapped: Tapped): void {
    const { only, ratio, clock, random } = this.#options
    if (only !== undefined && tapped.callee !== only) return
    if (ratio < 1 && random() >= ratio) return
    const second = Math.floor(clock.now() / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#told = 0
    }
    if (this.#told >= MAX_PER_SEC || this.#response.writableLength > MAX_UNREAD_BYTES) {
      this.#dropped++
      return
    }
    this.#told++
    const dropped = this.#dropped === 0 ? '' : `event: dropped\ndata: ${this.#dropped}\n\n`
    this.#dropped = 0
    this.#response.write(`${dropped}data: ${JSON.stringify(tapped)}\n\n`)
  }

  end(): void {
    this.#response.end()
  }
}

function attemptLine(event: MeshEvents['attempted'], caller: string, at: number): Tapped {
  const { service: callee, endpoint: instance, method, route = null, status = null, durationMs, error = null, resends, hedge, traceId = null } = event
  return { at, kind: 'attempt', caller, callee, instance, method, route, status, durationMs, error, resends, hedge, traceId }
}

function requestLine(event: MeshEvents['served'], callee: string, at: number): Tapped {
  const { peer: caller = null, method, route = null, status = null, durationMs, error = null, traceId = null } = event
  return { at, kind: 'request', caller, callee, instance: null, method, route, status, durationMs, error, resends: 0, hedge: false, traceId }
}

function refuse(response: ServerResponse, status: number, reason: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${reason}\n`)
}
