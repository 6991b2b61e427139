import { Kind, type Agenda } from './agenda.js'
import { Fifo } from './fifo.js'
import type { Request, Requests } from './request.js'

/**
 * Who waits for an answer, and until when. All wait equally long, so they give up in the order in which they were born, and
 * one event on the agenda, for the oldest of them, is enough.
 */
export class Timeouts {
  readonly #agenda: Agenda
  readonly #requests: Requests
  readonly #timeoutMs: number
  readonly #slots = new Fifo()
  readonly #serials = new Fifo()

  constructor(agenda: Agenda, requests: Requests, timeoutMs: number) {
    this.#agenda = agenda
    this.#requests = requests
    this.#timeoutMs = timeoutMs
  }

  /** A request was born. */
  add({ slot, serial, bornAtMs }: Request): void {
    if (this.#slots.size === 0) this.#agenda.at(bornAtMs + this.#timeoutMs, Kind.expiry, 0)
    this.#slots.push(slot)
    this.#serials.push(serial)
  }

  /** The event has come: whose time is over, if it is still waiting. Plans the next one. */
  expired(): Request | undefined {
    const expired = this.#oldest()
    this.#forgetOldest()
    let next: Request | undefined
    while (this.#slots.size > 0 && (next = this.#oldest()) === undefined) this.#forgetOldest()
    if (next !== undefined) this.#agenda.at(next.bornAtMs + this.#timeoutMs, Kind.expiry, 0)
    return expired
  }

  /** The oldest, unless it was answered: then its slot may belong to another one. */
  #oldest(): Request | undefined {
    const request = this.#requests.bySlot[this.#slots.peek()]!
    return request.serial === this.#serials.peek() && !request.settled ? request : undefined
  }

  #forgetOldest(): void {
    this.#slots.shift()
    this.#serials.shift()
  }
}
