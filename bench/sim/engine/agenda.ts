import type { Clock, Timer } from '../../../src/base/clock.js'
import { Heap } from './heap.js'

/** What an event is about; its subject is a request, a server, or a task. */
export const Kind = { arrival: 0, reach: 1, wake: 2, reply: 3, expiry: 4, task: 5 } as const
export type Kind = (typeof Kind)[keyof typeof Kind]

/** 2^29 subjects fit beside the kind. */
const KIND_BITS = 3

/** The virtual time: what is to happen, and when. Nothing passes but what is on it. */
export class Agenda {
  nowMs = 0
  /** The event that is happening. */
  kind: Kind = Kind.task
  subject = 0
  readonly #events = new Heap()
  readonly #tasks = new Map<number, () => void>()
  #taskCount = 0

  at(atMs: number, kind: Kind, subject: number): void {
    this.#events.push(atMs, (subject << KIND_BITS) | kind)
  }

  /** Runs a task later; the returned number calls it off. */
  runAt(atMs: number, task: () => void): number {
    const id = this.#taskCount++
    this.#tasks.set(id, task)
    this.at(Math.max(atMs, this.nowMs), Kind.task, id)
    return id
  }

  callOff(id: number): void {
    this.#tasks.delete(id)
  }

  /** Goes on to the next event that is not a task; false when nothing is left before `untilMs`. */
  next(untilMs: number): boolean {
    const events = this.#events
    while (events.leastKey <= untilMs) {
      this.nowMs = events.leastKey
      const code = events.pop()
      this.kind = (code & ((1 << KIND_BITS) - 1)) as Kind
      this.subject = code >>> KIND_BITS
      if (this.kind !== Kind.task) return true
      const task = this.#tasks.get(this.subject)
      this.#tasks.delete(this.subject)
      task?.()
    }
    return false
  }
}

const EPOCH_AT_START_MS = 1_800_000_000_000

/** The agenda as the clock of one client: a jump can put it wrong, and while the client stands still no timer of it fires. */
export class VirtualClock implements Clock {
  monotonicJumpMs = 0
  epochJumpMs = 0
  /** Until then the client's event loop is blocked. */
  stalledUntilMs = 0
  readonly #agenda: Agenda

  constructor(agenda: Agenda) {
    this.#agenda = agenda
  }

  now(): number {
    return this.#agenda.nowMs + this.monotonicJumpMs
  }

  epochMs(): number {
    return EPOCH_AT_START_MS + this.#agenda.nowMs + this.epochJumpMs
  }

  after(delayMs: number, task: () => void): Timer {
    const run = (): void => {
      if (this.stalledUntilMs > this.#agenda.nowMs) id = this.#agenda.runAt(this.stalledUntilMs, run)
      else task()
    }
    let id = this.#agenda.runAt(this.#agenda.nowMs + delayMs, run)
    return { cancel: () => this.#agenda.callOff(id) }
  }

  afterHolding(delayMs: number, task: () => void): Timer {
    return this.after(delayMs, task)
  }
}
