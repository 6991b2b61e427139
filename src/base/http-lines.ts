/**
 * Cuts a body into its lines, each without its end; empty ones are left out, and the last one needs no end. Throws when a
 * line is longer than `maxBytes`.
 */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<string> {
  // Parts, joined once: to join at every chunk would cost the square of a long line's length.
  let parts: Uint8Array[] = []
  let bytes = 0
  const add = (part: Uint8Array): void => {
    bytes += part.length
    if (bytes > maxBytes) throw new Error(`a line is over ${maxBytes} bytes`)
    parts.push(part)
  }
  const take = (): string => {
    const line = Buffer.concat(parts).toString('utf8').replace(/\r$/, '')
    parts = []
    bytes = 0
    return line
  }

  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      add(chunk.subarray(start, end))
      start = end + 1
      const line = take()
      if (line !== '') yield line
    }
    add(chunk.subarray(start))
  }
  const last = take()
  if (last !== '') yield last
}

const LINE_FEED = 0x0a
