import type { Clock } from '../base/clock.js'
import type { Inbound, InboundReply } from '../call/inbound.js'
import type { Layer } from '../call/layer.js'
import { OFFER_HEADER } from '../call/outcome.js'
import { Refusal } from '../call/refusal.js'
import { SpillGate } from './spill-gate.js'

export interface SpillOptions {
  readonly clock: Clock
  /** Requests inside, the one that asks included. */
  readonly inFlight: () => number
  /** What a caller is told of this instance's load; undefined when it is told nothing. */
  readonly loadReport: (() => string) | undefined
}

/**
 * Politely refuses a request that would have to wait here, when its caller says that it may be offered to others and how long it takes
 * there.
 */
export function spill({ clock, inFlight, loadReport }: SpillOptions): Layer<Inbound, InboundReply> {
  const gate = new SpillGate()
  return (next) => async (inbound) => {
    const others = inFlight() - 1
    const elsewhereMs = Number(inbound.header(OFFER_HEADER))
    if (elsewhereMs > 0 && gate.refuses(others, elsewhereMs)) {
      const expectedMs = gate.expectedMs(others)
      const reason = `it would take ${expectedMs.toFixed(0)} ms here, and ${elsewhereMs} ms elsewhere`
      throw new Refusal('MESH_ERR_SPILLED', reason, { expectedMs, loadReport: loadReport?.() })
    }
    const arrivedAtMs = clock.now()
    const reply = await next(inbound)
    // One that its caller has left tells how long it was waited for, and not how long it takes.
    if (!reply.aborted) gate.observe(others, clock.now() - arrivedAtMs)
    return reply
  }
}
