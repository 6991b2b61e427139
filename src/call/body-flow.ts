import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable } from 'node:stream'
import { MeshError } from '../base/errors.js'
import type { ResponseHeaders } from './headers.js'

/** How a body ended: whole, or with the error that cut it short. */
export interface BodyEnd {
  readonly error: Error | undefined
}

/** Where a body comes from: the connection that carries it. */
export interface BodySource {
  pause(): void
  resume(): void
  /** Stops the transfer; what is left never comes. */
  abort(reason: Error): void
}

/** Where a body goes. After `end` or `fail` nothing follows. */
export interface BodySink {
  /** Takes a chunk; false asks to wait until {@link BodyFlow.resume}. */
  data(chunk: Buffer): boolean
  end(trailers: ResponseHeaders): void
  fail(error: Error): void
}

/** How much may wait for a reader, and how much is thrown away to keep a connection, before the connection is stopped. */
const WAITING_LIMIT_BYTES = 64 * 1024

/** A chunk costs as much, however little it holds: a body in pieces of one byte must not wait for its reader in megabytes. */
const LEAST_CHUNK_BYTES = 128

/**
 * A response body on its way from one connection to one reader. Chunks that come before the reader are kept, up to
 * a limit, so that a small body that nobody reads still gives its connection back.
 */
export class BodyFlow {
  /** Fulfils when the body has ended, failed or been dropped; never rejects. */
  readonly done: Promise<BodyEnd>
  #settle!: (end: BodyEnd) => void
  readonly #source: BodySource
  #sink: BodySink | undefined
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #paused = false
  #trailers: ResponseHeaders | undefined
  #error: Error | undefined
  #told = false

  constructor(source: BodySource) {
    this.#source = source
    this.done = new Promise((resolve) => (this.#settle = resolve))
  }

  /** Called by the connection with each chunk. */
  push(chunk: Buffer): void {
    if (this.#sink !== undefined && !this.#paused) {
      if (!this.#sink.data(chunk)) this.#pause()
      return
    }
    this.#waiting.push(chunk)
    this.#waitingBytes += Math.max(chunk.length, LEAST_CHUNK_BYTES)
    if (this.#waitingBytes > WAITING_LIMIT_BYTES) this.#pause()
  }

  /** Called by the connection when the body is whole. */
  end(trailers: ResponseHeaders): void {
    this.#trailers = trailers
    this.#settle({ error: undefined })
    if (this.#waiting.length === 0 && this.#sink !== undefined) this.#tell(this.#sink)
  }

  /** Called by the connection when the body was cut short. */
  fail(error: Error): void {
    this.#error = error
    this.#waiting = []
    this.#settle({ error })
    if (this.#sink !== undefined) this.#tell(this.#sink)
  }

  /** Gives the body to its one reader. */
  pipe(sink: BodySink): void {
    if (this.#sink !== undefined) {
      throw new MeshError('MESH_ERR_BODY_USED', 'This body has been read already: a body can be read once', { processed: 'yes' })
    }
    this.#sink = sink
    this.resume()
  }

  /** Called by the reader when it can take more. */
  resume(): void {
    const sink = this.#sink!
    while (this.#waiting.length > 0) {
      if (!sink.data(this.#waiting.shift()!)) return this.#pause()
    }
    if (this.#error !== undefined || this.#trailers !== undefined) return this.#tell(sink)
    this.#paused = false
    this.#source.resume()
  }

  /** Gives up the rest: a short one is thrown away to keep the connection, a long one costs the connection. */
  drop(reason: Error = new MeshError('MESH_ERR_ABORTED', 'The body was dropped', { processed: 'yes' })): void {
    if (this.#trailers !== undefined || this.#error !== undefined) return
    let leftBytes = WAITING_LIMIT_BYTES
    this.#sink = {
      data: (chunk) => {
        leftBytes -= chunk.length
        if (leftBytes < 0) this.#source.abort(reason)
        return true
      },
      end: () => {},
      fail: () => {},
    }
    this.resume()
  }

  /** Gives up the transfer at once, and fails the reader with `reason`. */
  abort(reason: Error): void {
    if (this.#trailers === undefined && this.#error === undefined) this.#source.abort(reason)
  }

  /** The body as a Node stream. */
  stream(): Readable {
    const readable = new Readable({
      read: () => {
        if (this.#sink === undefined) this.pipe(sink)
        else this.resume()
      },
      destroy: (error, callback) => {
        this.abort(error ?? new MeshError('MESH_ERR_ABORTED', 'The body was dropped', { processed: 'yes' }))
        callback(error)
      },
    })
    // A connection's events come in the context of the attempt that opened it, and a reader's listeners must not run there.
    const asReader = AsyncLocalStorage.snapshot()
    const sink: BodySink = {
      data: (chunk) => asReader(() => readable.push(chunk)),
      end: () => void asReader(() => readable.push(null)),
      fail: (error) => void asReader(() => readable.destroy(error)),
    }
    return readable
  }

  #tell(sink: BodySink): void {
    // A reader may ask for more after the end; it is told of the end once.
    if (this.#told) return
    this.#told = true
    if (this.#error !== undefined) sink.fail(this.#error)
    else sink.end(this.#trailers!)
  }

  #pause(): void {
    this.#paused = true
    this.#source.pause()
  }
}
