import type { Reply } from './reply.js'

/** The rest of the way: takes a call or an attempt and brings the reply, or throws. */
export type Handler<In, Out = Reply> = (input: In) => Promise<Out>

/** One stage of the way. */
export type Layer<In, Out = Reply> = (next: Handler<In, Out>) => Handler<In, Out>

/** Puts stages around a last handler. The first one written is the outermost, as a request meets them. */
export function stack<In, Out = Reply>(...layers: readonly Layer<In, Out>[]): (last: Handler<In, Out>) => Handler<In, Out> {
  return (last) => layers.reduceRight((next, layer) => layer(next), last)
}
