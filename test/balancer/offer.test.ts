import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { Events } from '../../src/call/events.js'
import type { Call } from '../../src/call/call.js'
import { headerValue } from '../../src/call/headers.js'
import { Fleet } from '../../src/balancer/fleet.js'
import { offer } from '../../src/balancer/offer.js'
import { seededRandom } from '../../src/base/random.js'
import { FakeClock } from '../support/fake-clock.js'
import { callOf, endpointOf, replyOf } from '../support/scripted.js'

/** Calls of a client that is used to 30 ms, answered in turn by these: a refusal, or else a 200. */
function offering(answers: readonly ('refuses' | 'takes')[], { knows = true } = {}) {
  const fleet = new Fleet({ service: 'users', clock: new FakeClock(), random: seededRandom(1), events: new Events() })
  if (knows) for (let i = 0; i < 100; i++) fleet.offers.answered(30)
  const seen: Call[] = []
  const triedBefore: string[][] = []
  const handle = offer(fleet, { maxOffers: 2 })(async (call) => {
    const answer = answers[seen.length]
    seen.push(call)
    triedBefore.push([...call.tried])
    const endpoint = endpointOf(`users-${seen.length}`)
    // As the door does.
    call.tried.push(endpoint.id)
    if (answer === 'refuses') return replyOf({ endpoint, status: 503, headers: { 'mesh-not-processed': '1', 'mesh-spilled': '80' } })
    return replyOf({ endpoint })
  })
  return { handle, seen, triedBefore, offered: () => seen.map(({ headers }) => headerValue(headers, 'mesh-offer')) }
}

describe('offer', () => {
  it('says what the client is used to, and hands on the answer of whoever takes it', async () => {
    const { handle, offered } = offering(['takes'])
    expect((await handle(callOf())).status).toBe(200)
    expect(offered()).toEqual(['30.0'])
  })

  it('goes on to another endpoint when it is refused, and is no resend', async () => {
    const { handle, seen, triedBefore } = offering(['refuses', 'takes'])
    const reply = await handle(callOf({ method: 'POST', body: 'once' }))
    expect(reply.endpoint.id).toBe('users-2')
    expect(triedBefore).toEqual([[], ['users-1']])
    expect(seen.map(({ resends }) => resends)).toEqual([0, 0])
  })

  it('gives it to the third without asking', async () => {
    const { handle, offered } = offering(['refuses', 'refuses', 'takes'])
    expect((await handle(callOf())).endpoint.id).toBe('users-3')
    expect(offered()).toEqual(['30.0', '30.0', undefined])
  })

  it('offers no body that can be sent only once', async () => {
    const { handle, offered } = offering(['takes'])
    await handle(callOf({ method: 'POST', body: Readable.from(['once']) }))
    expect(offered()).toEqual([undefined])
  })

  it('offers nothing while it does not know what it is used to', async () => {
    const { handle, offered } = offering(['takes'], { knows: false })
    await handle(callOf())
    expect(offered()).toEqual([undefined])
  })
})
