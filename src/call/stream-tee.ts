import { Readable } from 'node:stream'
import { MeshError } from '../base/errors.js'
import type { BodyStream } from './body.js'

/** How much of a stream is kept for another attempt. */
const KEPT_BYTES = 64 * 1024

/**
 * Lets a stream be sent more than once, as long as it is short: what is read for one attempt is kept for the next, and the
 * rest comes from where the one before stopped. What is longer is sent once, and nothing of it is kept any more.
 */
export class StreamTee {
  readonly #stream: BodyStream
  readonly #source: AsyncIterator<Uint8Array>
  /** Every piece so far; undefined once they are too many. */
  #kept: Uint8Array[] | undefined = []
  #keptBytes = 0
  #pulling: Promise<IteratorResult<Uint8Array>> | undefined
  /** Number of the latest reading: the ones before are given nothing more. */
  #latest = 0
  #underWay = 0
  #over = false
  #released = false

  constructor(stream: BodyStream) {
    this.#stream = stream
    // A stream may fail before anybody reads it, and nobody would listen; the reader is told.
    if (stream instanceof Readable) stream.on('error', () => {})
    this.#source = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]()
  }

  /** Whether another attempt can send the same bytes. */
  get isWhole(): boolean {
    return this.#kept !== undefined
  }

  /** The body of one attempt, from its beginning. The one before gets nothing more. */
  reading(): AsyncIterable<Uint8Array> {
    const reading = ++this.#latest
    // Taken now: what outgrows the limit meanwhile still comes to this reading whole.
    const kept = this.#kept
    return { [Symbol.asyncIterator]: () => this.#read(reading, kept) }
  }

  /** No other attempt will follow. The stream is given up as soon as nobody reads it any more, or at once. */
  release(atOnce: boolean): void {
    this.#released = true
    if (atOnce || this.#underWay === 0) this.#giveUp()
  }

  async *#read(reading: number, kept: Uint8Array[] | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    this.#underWay++
    try {
      for (let i = 0; ; ) {
        if (kept !== undefined && i < kept.length) {
          yield kept[i++]!
          continue
        }
        // What is not kept any more comes from the stream to this reading alone.
        if (kept !== this.#kept) kept = undefined
        const next = await this.#pull()
        if (next.done === true || reading !== this.#latest) return
        if (kept === undefined) yield next.value
      }
    } finally {
      this.#underWay--
      if (this.#released && this.#underWay === 0) this.#giveUp()
    }
  }

  /** The next piece. A reading that was given up while it waited leaves the piece to the one after it. */
  #pull(): Promise<IteratorResult<Uint8Array>> {
    return (this.#pulling ??= this.#next().finally(() => (this.#pulling = undefined)))
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    try {
      const result = await this.#source.next()
      if (result.done === true) this.#over = true
      else this.#keep(result.value)
      return result
    } catch (cause) {
      this.#over = true
      this.#kept = undefined
      // It is the caller's, and no fault of the service.
      throw new MeshError('MESH_ERR_REQUEST', `The stream of the body failed: ${String(cause)}`, { processed: 'maybe', cause })
    }
  }

  #keep(piece: Uint8Array): void {
    if (this.#kept === undefined) return
    this.#kept.push(piece)
    this.#keptBytes += typeof piece === 'string' ? Buffer.byteLength(piece) : piece.byteLength
    if (this.#keptBytes > KEPT_BYTES) this.#kept = undefined
  }

  #giveUp(): void {
    if (this.#over) return
    this.#over = true
    this.#kept = undefined
    if (this.#stream instanceof Readable) this.#stream.destroy()
    else this.#source.return?.().catch(() => {})
  }
}
