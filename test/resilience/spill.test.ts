import { describe, expect, it } from 'vitest'
import type { Inbound, InboundReply } from '../../src/call/inbound.js'
import { problemOf, type Refusal } from '../../src/call/refusal.js'
import { spill } from '../../src/resilience/spill.js'
import { FakeClock } from '../support/fake-clock.js'

const ANSWERED: InboundReply = { status: 200, route: undefined, aborted: false, answer: undefined }

function inboundWith(offer: string | undefined): Inbound {
  return { header: (name: string) => (name === 'mesh-offer' ? offer : undefined) } as Inbound
}

/** A server in which every request takes 10 ms for each that is in flight. */
async function busy() {
  const clock = new FakeClock()
  let inFlight = 1
  const handle = spill({ clock, inFlight: () => inFlight, loadReport: () => `TEXT named_metrics.inflight=${inFlight - 1}` })(async () => {
    await clock.advance(10 * inFlight)
    return ANSWERED
  })
  for (let i = 0; i < 100; i++) {
    inFlight = 1 + (i % 10)
    await handle(inboundWith(undefined))
  }
  return { clock, with: (others: number, offer?: string) => ((inFlight = others + 1), handle(inboundWith(offer))) }
}

describe('spill', () => {
  it('refuses before any work what would wait here, as not processed, and says for how long', async () => {
    const server = await busy()
    const before = server.clock.now()
    const refusal = await server.with(9, '20').then(
      () => undefined,
      (error: Refusal) => error,
    )
    expect(server.clock.now()).toBe(before)
    expect(refusal?.code).toBe('MESH_ERR_SPILLED')
    expect(problemOf(refusal!)).toMatchObject({ status: 503, headers: { 'mesh-not-processed': '1', 'mesh-spilled': '100', 'endpoint-load-metrics': 'TEXT named_metrics.inflight=9' } })
  })

  it('lets in what takes no longer here', async () => {
    expect(await (await busy()).with(0, '20')).toBe(ANSWERED)
  })

  it.each([undefined, '', 'soon', '-5', '0', 'NaN', 'Infinity'])('refuses nobody who does not offer it: %s', async (value) => {
    expect(await (await busy()).with(50, value)).toBe(ANSWERED)
  })
})
