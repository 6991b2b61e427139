import { MeshError } from '../base/errors.js'
import type { BodyFlow } from './body-flow.js'

/** So many chunks are put together when they are small: each costs far more than a few bytes. */
const LOOSE_CHUNKS = 256
const SMALL_BYTES = 1024

/**
 * Collects a whole body without a stream in between: several microseconds less per call. A body of more than `maxBytes`
 * rejects with `MESH_ERR_TOO_LARGE` and is given up.
 */
export function collect(flow: BodyFlow, maxBytes = Infinity): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = []
    let bytes = 0
    /** From where on chunks have not been looked at whether they are small. */
    let loose = 0
    flow.pipe({
      data(chunk) {
        bytes += chunk.length
        if (bytes > maxBytes) {
          chunks = []
          const error = tooLarge(maxBytes)
          reject(error)
          flow.abort(error)
          return true
        }
        chunks.push(chunk)
        if (chunks.length - loose === LOOSE_CHUNKS) loose = putTogether(chunks, loose)
        return true
      },
      end: () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)),
      fail: reject,
    })
  })
}

function putTogether(chunks: Buffer[], from: number): number {
  const whole = Buffer.concat(chunks.slice(from))
  if (whole.length < LOOSE_CHUNKS * SMALL_BYTES) chunks.splice(from, LOOSE_CHUNKS, whole)
  return chunks.length
}

function tooLarge(maxBytes: number): MeshError {
  const message = `The body is larger than maxResponseBytes of ${maxBytes}: read it as a stream, or raise the limit`
  return new MeshError('MESH_ERR_TOO_LARGE', message, { processed: 'yes' })
}
