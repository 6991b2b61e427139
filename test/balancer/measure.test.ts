import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { seededRandom } from '../../src/base/random.js'
import { Fleet } from '../../src/balancer/fleet.js'
import { measure } from '../../src/balancer/measure.js'
import { Node } from '../../src/balancer/node.js'
import { Events } from '../../src/call/events.js'
import { NOT_PROCESSED_HEADER } from '../../src/call/outcome.js'
import { FakeClock, settled } from '../support/fake-clock.js'
import { attemptOf, endpointOf, openReply, replyOf, scripted, type Step } from '../support/scripted.js'
import type { Attempt } from '../../src/call/call.js'

const cut = new MeshError('MESH_ERR_CONNECTION', 'cut', { processed: 'yes' })
const hungUp = new MeshError('MESH_ERR_ABORTED', 'hung up', { processed: 'maybe' })

function measured(...steps: Step<Attempt>[]) {
  const clock = new FakeClock()
  const fleet = new Fleet({ service: 'users', clock, random: seededRandom(1), events: new Events() })
  const node = new Node(endpointOf('users-1'), () => ({ handle: scripted().handle, close: async () => {} }))
  fleet.adopt([node])
  const handle = measure(node, fleet)(scripted(...steps).handle)
  return { clock, node, handle: () => handle(attemptOf()) }
}

describe('measure', () => {
  it('counts an attempt as in flight until its body has ended', async () => {
    const open = openReply()
    const { node, handle } = measured(open.reply)
    const answering = handle()
    expect(node.inFlight).toBe(1)
    await answering
    expect(node.inFlight).toBe(1)
    open.end()
    await settled()
    expect(node.inFlight).toBe(0)
  })

  it.each(['fail', 'drop'] as const)('counts an attempt as over when its body is over by %s', async (how) => {
    const open = openReply()
    const { node, handle } = measured(open.reply)
    await handle()
    if (how === 'fail') open.fail(cut)
    else {
      open.reply.cancel()
      open.push('x'.repeat(100_000))
    }
    await settled()
    expect(node.inFlight).toBe(0)
  })

  it('takes the time to the response headers, whatever the body takes', async () => {
    const open = openReply()
    const { clock, node, handle } = measured(async () => {
      await clock.advance(40)
      return open.reply
    })
    await handle()
    await clock.advance(5_000)
    open.end()
    await settled()
    expect(node.latency.meanMs).toBe(40)
    expect(node.success.ratioAt(clock.now())).toBe(1)
  })

  it.each<[string, Step<Attempt>]>([
    ['an answer of 503', replyOf({ status: 503 })],
    ['a refusal before any work', replyOf({ status: 503, headers: { [NOT_PROCESSED_HEADER]: '1' } })],
    ['a refused connection', new MeshError('MESH_ERR_CONNECT', 'refused')],
  ])('a failure never makes an endpoint look fast: %s', async (_, failure) => {
    const { clock, node, handle } = measured(async () => (await clock.advance(50), replyOf()), failure)
    await handle()
    await handle().catch(() => {})
    await settled()
    expect(node.latency.meanMs).toBe(50)
    expect(node.success.ratioAt(clock.now())).toBeCloseTo(0.9)
    expect(node.inFlight).toBe(0)
  })

  it('a failure that took long makes an endpoint look slow', async () => {
    const { clock, node, handle } = measured(
      async () => (await clock.advance(50), replyOf()),
      async () => {
        await clock.advance(500)
        throw new MeshError('MESH_ERR_ATTEMPT_TIMEOUT', 'late', { processed: 'maybe' })
      },
    )
    await handle()
    await expect(handle()).rejects.toMatchObject({ code: 'MESH_ERR_ATTEMPT_TIMEOUT' })
    expect(node.latency.meanMs).toBeGreaterThan(100)
  })

  it('blames an endpoint for a body that was cut short, and counts it once', async () => {
    const open = openReply()
    const { clock, node, handle } = measured(open.reply)
    await handle()
    open.fail(cut)
    await settled()
    expect(node.success.ratioAt(clock.now())).toBeCloseTo(0.9)
  })

  it.each(['before', 'after'] as const)('learns nothing from a caller who hung up %s the headers', async (when) => {
    const open = openReply()
    const { clock, node, handle } = measured(when === 'before' ? hungUp : open.reply)
    await handle().catch(() => {})
    open.fail(hungUp)
    await settled()
    expect(node.success.ratioAt(clock.now())).toBe(1)
    expect(node.latency.samples).toBe(when === 'before' ? 0 : 1)
    expect(node.inFlight).toBe(0)
  })

  it('passes on the very reply and the very error', async () => {
    const reply = replyOf()
    const { handle } = measured(reply, cut)
    expect(await handle()).toBe(reply)
    await expect(handle()).rejects.toBe(cut)
  })
})
