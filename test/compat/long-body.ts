import type { ServerResponse } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'

const CHUNK = Buffer.alloc(64 * 1024, 'x')

/** More than the buffers between two processes of one machine hold. */
export const LONG_BYTES = 48 * 1024 * 1024

/** What those buffers may hold at most: nobody who reads nothing is given more. */
export const BUFFERS_BYTES = 16 * 1024 * 1024

/** A stream of {@link LONG_BYTES} that knows how much was taken from it. */
export interface LongBody {
  readonly stream: ReadableStream<Uint8Array>
  readonly taken: () => number
}

export function longBody(): LongBody {
  let taken = 0
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (taken >= LONG_BYTES) return controller.close()
        taken += CHUNK.length
        controller.enqueue(new Uint8Array(CHUNK))
      },
    },
    { highWaterMark: 0 },
  )
  return { stream, taken: () => taken }
}

/** Writes {@link LONG_BYTES} as fast as they are taken; the function that comes back says how many those are. */
export function writeLongBody(response: ServerResponse): () => number {
  let taken = 0
  const write = (): void => {
    while (taken < LONG_BYTES) {
      taken += CHUNK.length
      if (!response.write(CHUNK)) return
    }
    response.end()
  }
  response.on('drain', write)
  write()
  return () => taken
}

/** Fulfils when `count` has not moved for a hundred turns of the event loop: nothing flows any more. */
export async function standstill(count: () => number): Promise<number> {
  let last = count()
  for (let quietTurns = 0; quietTurns < 100; quietTurns++) {
    await turn()
    if (count() === last) continue
    last = count()
    quietTurns = 0
  }
  return last
}
