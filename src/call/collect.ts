import type { BodyFlow } from './body-flow.js'

/** Collects a whole body without a stream in between: several microseconds less per call. */
export function collect(flow: BodyFlow): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    flow.pipe({
      data: (chunk) => chunks.push(chunk) > 0,
      end: () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)),
      fail: reject,
    })
  })
}
