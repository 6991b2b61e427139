import type { Socket } from 'node:net'
import type { Clock, Timer } from '../base/clock.js'
import type { Random } from '../base/random.js'
import type { CutHow, FlowSettings } from './fault-options.js'

/** What a flow is part of, and is to tell. */
export interface FlowHost {
  readonly clock: Clock
  readonly random: Random
  /** A chunk came in. */
  arrived(chunk: Buffer): void
  /** These bytes are about to be passed on; fewer, when the connection is cut behind them, and then nothing follows. */
  admit(bytes: Buffer): { readonly bytes: Buffer; readonly cut: CutHow | undefined }
  /** So many were passed on. */
  passed(bytes: number): void
  stalled(): void
  cut(how: CutHow): void
}

/** What may wait before the sender is stopped. */
const WAITING_LIMIT_BYTES = 64 * 1024
/** A limited flow is passed on in portions of so many milliseconds each. */
const PORTION_MS = 10
/** A packet that is sent again may be lost again; after so many times somebody's patience is over anyway. */
const MAX_LOSSES = 6
/** Time for the receiver to take the bytes that come before a cut. */
const CUT_BEHIND_BYTES_MS = 10

/** One direction of a connection: bytes in, and the same bytes out, later, slower, fewer or not the same. */
export class FaultyFlow {
  readonly #from: Socket
  readonly #to: Socket
  readonly #host: FlowHost
  #settings: FlowSettings
  readonly #waiting: { bytes: Buffer; readonly dueAtMs: number }[] = []
  #waitingBytes = 0
  #lastDueAtMs = -Infinity
  #nextPortionAtMs = -Infinity
  #timer: Timer | undefined
  /** Whether the receiver is slow. */
  #blocked = false
  #ended = false
  #over = false

  constructor(from: Socket, to: Socket, settings: FlowSettings, host: FlowHost) {
    this.#from = from
    this.#to = to
    this.#settings = settings
    this.#host = host
    from.on('data', this.#take)
    from.on('end', () => {
      this.#ended = !this.#settings.swallow
      this.#pump()
    })
    to.on('drain', () => {
      this.#blocked = false
      this.#pump()
    })
    this.follow(settings)
  }

  /** Goes by these from now on; what is already under way comes when it would have come. */
  follow(settings: FlowSettings): void {
    this.#settings = settings
    this.#listen()
    this.#pump()
  }

  /** Passes nothing on any more. */
  stop(): void {
    this.#over = true
    this.#timer?.cancel()
    this.#waiting.length = 0
  }

  #take = (chunk: Buffer): void => {
    const { clock, random } = this.#host
    const { latencyMs, jitterMs, stallRatio, stallMs, swallow } = this.#settings
    this.#host.arrived(chunk)
    if (swallow || this.#over) return
    let delayMs = latencyMs + (jitterMs > 0 ? jitterMs * random() : 0)
    for (let losses = 0; losses < MAX_LOSSES && stallRatio > 0 && random() < stallRatio; losses++) {
      delayMs += stallMs * 2 ** losses
      this.#host.stalled()
    }
    this.#lastDueAtMs = Math.max(this.#lastDueAtMs, clock.now() + delayMs)
    this.#waiting.push({ bytes: chunk, dueAtMs: this.#lastDueAtMs })
    this.#waitingBytes += chunk.length
    this.#listen()
    this.#pump()
  }

  /** A sender that is not listened to fills its own buffers and then has to wait, as with a real link. */
  #listen(): void {
    if (this.#settings.silent || this.#waitingBytes > WAITING_LIMIT_BYTES) this.#from.pause()
    else this.#from.resume()
  }

  #pump = (): void => {
    // What is then left to do is the cut, in its own time.
    if (this.#over) return
    this.#timer?.cancel()
    while (!this.#over && !this.#blocked && !this.#settings.silent) {
      const head = this.#waiting[0]
      if (head === undefined) {
        if (this.#ended) this.#to.end()
        return
      }
      const nowMs = this.#host.clock.now()
      const readyAtMs = Math.max(head.dueAtMs, this.#nextPortionAtMs)
      if (readyAtMs > nowMs) return void (this.#timer = this.#host.clock.after(readyAtMs - nowMs, this.#pump))
      this.#pass(this.#portion(head, nowMs))
    }
  }

  #portion(head: { bytes: Buffer }, nowMs: number): Buffer {
    const { bytesPerSec } = this.#settings
    const size = Math.min(head.bytes.length, Math.max(1, Math.floor((bytesPerSec * PORTION_MS) / 1000)))
    const portion = head.bytes.subarray(0, size)
    if (size === head.bytes.length) this.#waiting.shift()
    else head.bytes = head.bytes.subarray(size)
    // A timer that fires late is made up for, up to a portion.
    if (bytesPerSec !== Infinity) this.#nextPortionAtMs = Math.max(this.#nextPortionAtMs, nowMs - PORTION_MS) + (size / bytesPerSec) * 1000
    return portion
  }

  #pass(portion: Buffer): void {
    const { bytes, cut } = this.#host.admit(this.#corrupted(portion))
    this.#waitingBytes -= portion.length
    this.#listen()
    this.#host.passed(bytes.length)
    if (cut !== undefined) {
      if (bytes.length === 0) return this.#host.cut(cut)
      // Bytes and a reset that are found together are read as bytes and an end in good order.
      this.#to.write(bytes, () => (this.#timer = this.#host.clock.after(CUT_BEHIND_BYTES_MS, () => this.#host.cut(cut))))
    } else if (!this.#to.write(bytes)) {
      this.#blocked = true
    }
  }

  #corrupted(bytes: Buffer): Buffer {
    const { corruptRatio } = this.#settings
    const { random } = this.#host
    if (corruptRatio === 0) return bytes
    return Buffer.from(bytes.map((byte) => (random() < corruptRatio ? byte ^ (1 << Math.floor(random() * 8)) : byte)))
  }
}
