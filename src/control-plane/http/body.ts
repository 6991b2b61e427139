import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Refusal } from './answer.js'

const unzipped = promisify(gunzip)

/** The body of a request, never holding more than `maxBytes` of it, packed or unpacked. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity' && encoding !== 'gzip') {
    throw new Refusal(415, `content-encoding ${encoding} is not understood; send gzip or none`, { 'accept-encoding': 'gzip' })
  }
  const packed = await collect(request, maxBytes)
  return encoding === 'gzip' ? unpack(packed, maxBytes) : packed
}

async function collect(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Leaving the loop must not destroy the socket: the refusal goes out on it.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function unpack(packed: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await unzipped(packed, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
    throw new Refusal(400, 'the body is not gzip')
  }
}

function tooLarge(maxBytes: number): Refusal {
  return new Refusal(413, `the body is over ${maxBytes} bytes`, { connection: 'close' })
}
