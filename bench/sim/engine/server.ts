import { Kind, type Agenda } from './agenda.js'
import { Fifo } from './fifo.js'
import { Heap } from './heap.js'
import type { Request, Requests } from './request.js'

export interface ServerShape {
  /** Work it does at once at full speed; time-varying when it shares its machine. */
  readonly cores: number
  /** First come, first served, one request a core; or processor sharing, where nobody waits and all slow down together. */
  readonly discipline: 'queue' | 'sharing'
  /** Work per time and core. Default 1. */
  readonly speed?: number
  readonly zone?: number
}

/** What the simulation does for a server. */
export interface Surroundings {
  readonly agenda: Agenda
  readonly requests: Requests
  /** Whether a request that its caller has given up is thrown away when its turn comes. */
  readonly dropsSettled: boolean
  reply(request: Request): void
  drop(request: Request): void
  /** The server may have more room now. */
  changed(server: Server): void
}

/**
 * A server: all running requests go on at one common rate, which is the speed, shared when there are more of them than
 * cores. Progress is measured along a line of its own, so that a change of the rate moves no request: each ends at its mark.
 */
export class Server {
  readonly index: number
  readonly discipline: ServerShape['discipline']
  readonly zone: number
  cores: number
  /** Requests that go to it or are there; the omniscient references count by it. */
  assigned = 0
  /** Requests since the start, and core-milliseconds spent on them. */
  completed = 0
  busyMs = 0
  /** How many times it was replaced by a new instance. */
  generation = 0
  /** Refuses connections. */
  down = false
  /** On its way out, or not yet back. */
  restarting = false
  /** Share of requests that fail at once, without any work. */
  failingRatio = 0
  onComplete: ((request: Request) => void) | undefined
  readonly #running = new Heap()
  readonly #waiting = new Fifo()
  readonly #surroundings: Surroundings
  #speed: number
  #pausedUntilMs = 0
  #progress = 0
  #progressAtMs = 0
  #wakeAtMs = Infinity

  constructor(index: number, { cores, discipline, speed = 1, zone = 0 }: ServerShape, surroundings: Surroundings) {
    this.index = index
    this.cores = cores
    this.discipline = discipline
    this.#speed = speed
    this.zone = zone
    this.#surroundings = surroundings
  }

  /** Requests in it, running or waiting. */
  get inFlight(): number {
    return this.#running.size + this.#waiting.size
  }

  get speed(): number {
    return this.#speed
  }

  set speed(speed: number) {
    this.change(() => (this.#speed = speed))
  }

  get pauseLeftMs(): number {
    return Math.max(0, this.#pausedUntilMs - this.#surroundings.agenda.nowMs)
  }

  /** Stands still: a garbage collection, a stalled disk, a lost network. */
  pause(durationMs: number): void {
    const { agenda } = this.#surroundings
    this.change(() => (this.#pausedUntilMs = Math.max(this.#pausedUntilMs, agenda.nowMs + durationMs)))
    agenda.runAt(this.#pausedUntilMs, () => this.change(() => undefined))
  }

  /** Changes what the rate depends on. */
  change(apply: () => void): void {
    this.#advance()
    apply()
    this.#arm()
    this.#surroundings.changed(this)
  }

  accept(request: Request): void {
    const { nowMs } = this.#surroundings.agenda
    request.reachedAtMs = nowMs
    request.inFlightOnReach = this.inFlight
    this.#advance()
    if (this.discipline === 'queue' && this.#running.size >= this.cores) this.#waiting.push(request.slot)
    else this.#start(request)
    this.#arm()
  }

  /** The time that it asked for has come: what has reached its mark is done. */
  wake(): void {
    const { agenda, requests } = this.#surroundings
    // An earlier one was asked for since, and has passed.
    if (agenda.nowMs !== this.#wakeAtMs) return
    this.#wakeAtMs = Infinity
    this.#advance()
    const reached = this.#progress + 1e-7
    while (this.#running.leastKey <= reached) {
      this.#complete(requests.bySlot[this.#running.pop()]!)
      this.#startWaiting()
    }
    this.#arm()
  }

  /** A crash: everything in it is lost. */
  lose(lost: (request: Request) => void): void {
    const { bySlot } = this.#surroundings.requests
    this.#advance()
    while (this.#running.size > 0) lost(bySlot[this.#running.pop()]!)
    while (this.#waiting.size > 0) lost(bySlot[this.#waiting.shift()]!)
  }

  #rate(): number {
    if (this.#surroundings.agenda.nowMs < this.#pausedUntilMs) return 0
    return this.#speed * Math.min(1, this.cores / this.#running.size)
  }

  #advance(): void {
    const { nowMs } = this.#surroundings.agenda
    const passedMs = nowMs - this.#progressAtMs
    if (passedMs <= 0) return
    if (this.#running.size > 0 && this.#progressAtMs >= this.#pausedUntilMs) {
      this.#progress += passedMs * this.#speed * Math.min(1, this.cores / this.#running.size)
      this.busyMs += passedMs * Math.min(this.cores, this.#running.size)
    }
    this.#progressAtMs = nowMs
  }

  #arm(): void {
    const rate = this.#rate()
    if (this.#running.size === 0 || rate === 0) return
    const { agenda } = this.#surroundings
    const dueAtMs = agenda.nowMs + Math.max(0, this.#running.leastKey - this.#progress) / rate
    // A wake that comes too early finds nothing and asks again; that is cheaper than taking it back.
    if (dueAtMs >= this.#wakeAtMs) return
    this.#wakeAtMs = dueAtMs
    agenda.at(dueAtMs, Kind.wake, this.index)
  }

  #start(request: Request): void {
    request.startedAtMs = this.#surroundings.agenda.nowMs
    this.#running.push(this.#progress + request.workMs, request.slot)
  }

  #startWaiting(): void {
    const { requests, dropsSettled, drop } = this.#surroundings
    while (this.#waiting.size > 0 && this.#running.size < this.cores) {
      const request = requests.bySlot[this.#waiting.shift()]!
      if (dropsSettled && request.settled) drop(request)
      else this.#start(request)
    }
  }

  #complete(request: Request): void {
    this.completed++
    request.serviceMs = this.#surroundings.agenda.nowMs - request.startedAtMs
    request.inFlightOnReply = this.inFlight
    this.onComplete?.(request)
    this.#surroundings.reply(request)
  }
}
