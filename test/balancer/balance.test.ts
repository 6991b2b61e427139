import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import { seededRandom } from '../../src/base/random.js'
import { balance } from '../../src/balancer/balance.js'
import { createEndpointSet } from '../../src/balancer/endpoint-set.js'
import { measure } from '../../src/balancer/measure.js'
import type { Node } from '../../src/balancer/node.js'
import type { Picker } from '../../src/balancer/picker.js'
import type { Attempt } from '../../src/call/call.js'
import type { Endpoint } from '../../src/call/endpoint.js'
import { Events } from '../../src/call/events.js'
import { FakeClock, settled } from '../support/fake-clock.js'
import { callOf, endpointOf, replyOf } from '../support/scripted.js'
import { drawAnywhere, fleetOn } from './support.js'

const first: Picker = { pick: (nodes) => nodes[0] }

function door(picker: Picker = first, maxInFlight = Infinity, recorded = () => false) {
  const events = new Events()
  const attempts: Attempt[] = []
  const clock = new FakeClock()
  const fleet = fleetOn(clock)
  const endpoints = createEndpointSet({
    service: 'users',
    registry: 'consul',
    draw: (known) => (fleet.adopt(known), drawAnywhere(known)),
    events,
    connect: (node) => ({
      handle: measure(node, fleet)(async (attempt) => {
        attempts.push(attempt)
        return replyOf({ endpoint: attempt.endpoint })
      }),
      close: async () => {},
    }),
  })
  const tell = (...known: Endpoint[]): void => endpoints.apply({ service: 'users', revision: 1, endpoints: known, policy: {} })
  return { handle: balance({ endpoints, fleet, picker, clock, random: seededRandom(1), events, recorded, maxInFlight }), endpoints, fleet, clock, events, attempts, tell }
}

const [a, b, c] = ['a', 'b', 'c'].map((id) => endpointOf(id)) as [Endpoint, Endpoint, Endpoint]

describe('balance', () => {
  it('turns a call into an attempt before anything else can happen', () => {
    const { handle, attempts, tell } = door()
    tell(a)
    const call = callOf()
    void handle(call)
    expect(attempts).toEqual([{ call, endpoint: a, headers: call.headers, cancellation: call.cancellation }])
  })

  it('says on the attempt why it goes where it goes, while somebody records it', async () => {
    const partsOf = (node: Node) => ({ costMs: 3, weight: node.weight })
    const { handle, attempts, tell } = door({ ...first, partsOf }, Infinity, () => true)
    tell(a, b, { ...c, status: 'draining' })
    await handle(callOf({ tried: ['a'] }))
    expect(attempts[0]!.endpoint).toBe(b)
    expect(attempts[0]!.pick).toEqual({ candidates: 1, excluded: 2, inFlight: 0, costMs: 3, weight: 1 })
  })

  it('counts the attempts that were under way before this one', async () => {
    const { handle, attempts, tell } = door(first, Infinity, () => true)
    tell(a)
    void handle(callOf())
    void handle(callOf())
    expect(attempts.map(({ pick }) => pick)).toEqual([
      { candidates: 1, excluded: 0, inFlight: 0 },
      { candidates: 1, excluded: 0, inFlight: 1 },
    ])
  })

  it('asks nobody for reasons while none are recorded', () => {
    const partsOf = (): never => {
      throw new Error('asked')
    }
    const { handle, attempts, tell } = door({ ...first, partsOf })
    tell(a)
    void handle(callOf())
    expect(attempts[0]!.pick).toBeUndefined()
  })

  it('waits for the first snapshot', async () => {
    const { handle, attempts, tell } = door()
    const answering = handle(callOf())
    await settled()
    expect(attempts).toEqual([])
    tell(a)
    expect((await answering).endpoint).toBe(a)
  })

  it('says that it was not ready, and which registry to look at, when the deadline ends that wait', async () => {
    const { handle } = door()
    const call = callOf({ timeoutMs: 800 })
    const answering = handle(call)
    const late = new MeshError('MESH_ERR_DEADLINE', 'late', { processed: 'maybe' })
    call.cancellation.cancel(late)
    await expect(answering).rejects.toMatchObject({
      code: 'MESH_ERR_NOT_READY', service: 'users', processed: 'no', attempts: 0, cause: late,
      message: "users: registry 'consul' has told nothing within the call's 800 ms; is it reachable?",
    })
  })

  it('passes on the reason of a caller who hung up while waiting', async () => {
    const { handle } = door()
    const call = callOf()
    const answering = handle(call)
    const hungUp = new MeshError('MESH_ERR_ABORTED', 'hung up')
    call.cancellation.cancel(hungUp)
    await expect(answering).rejects.toBe(hungUp)
  })

  it.each<[string, Endpoint[], RegExp]>([
    ['nobody is known', [], /'consul' knows no instance of it/],
    ['nobody is ready', [{ ...a, status: 'draining' }], /'consul' knows 1 of it, none of them ready/],
  ])('says that there is no endpoint when %s', async (_, endpoints, message) => {
    const { handle, tell } = door()
    tell(...endpoints)
    const failing = handle(callOf())
    await expect(failing).rejects.toMatchObject({ code: 'MESH_ERR_NO_ENDPOINTS', processed: 'no' })
    await expect(failing).rejects.toThrow(message)
  })

  it('goes where the call has not been, and anywhere when it has been everywhere', async () => {
    const offered: string[][] = []
    const { handle, endpoints, tell } = door({
      pick: (nodes: readonly Node[]) => {
        offered.push(nodes.map(({ id }) => id))
        return nodes[0]
      },
    })
    tell(a, b, c)
    await handle(callOf({ tried: ['a', 'c'], resends: 2 }))
    await handle(callOf({ tried: ['a', 'b', 'c'], resends: 3 }))
    await handle(callOf({ tried: ['gone'], resends: 1 }))
    expect(offered).toEqual([['b'], ['a', 'b', 'c'], ['a', 'b', 'c']])
    expect(endpoints.levels[0]!.nodes).toHaveLength(3)
  })

  it('writes where it sent a call into the list of the call, before the attempt begins', () => {
    const { handle, attempts, tell } = door()
    tell(a, b, c)
    const tried: string[] = []
    // Two at once, as when one is sent beside another that has no answer yet.
    void handle(callOf({ tried }))
    void handle(callOf({ tried, resends: 1 }))
    expect(attempts.map(({ endpoint }) => endpoint.id)).toEqual(['a', 'b'])
    expect(tried).toEqual(['a', 'b'])
  })

  it('writes nothing into it when nothing is sent', async () => {
    const { handle, tell } = door()
    tell()
    const tried: string[] = []
    await expect(handle(callOf({ tried }))).rejects.toThrow()
    expect(tried).toEqual([])
  })

  it('offers the picker the very picture when nothing was tried', async () => {
    let offered: unknown
    const { handle, endpoints, tell } = door({ pick: (nodes: readonly Node[]) => ((offered = nodes), nodes[0]) })
    tell(a, b)
    await handle(callOf())
    expect(offered).toBe(endpoints.levels[0]!.nodes)
  })

  it('charges no endpoint for a call that was given up on its way here', async () => {
    const { handle, attempts, tell } = door()
    tell(a)
    const call = callOf()
    const hungUp = new MeshError('MESH_ERR_ABORTED', 'hung up')
    call.cancellation.cancel(hungUp)
    await expect(handle(call)).rejects.toBe(hungUp)
    expect(attempts).toEqual([])
  })

  it('has a first try show whether an ejected endpoint is well again, and nobody else', async () => {
    const { handle, endpoints, fleet, clock, attempts, tell } = door()
    tell(a, b, c)
    const ejected = endpoints.all.find(({ id }) => id === 'c')!
    fleet.outliers.rest(ejected, 1_000, 0)
    expect(endpoints.levels[0]!.nodes.map(({ id }) => id)).toEqual(['a', 'b'])
    await clock.advance(2_000)
    await handle(callOf({ resends: 1, tried: ['b'] }))
    await Promise.all([handle(callOf()), handle(callOf())])
    expect(attempts.map(({ endpoint }) => endpoint.id)).toEqual(['a', 'c', 'a'])
  })

  it('L09 gives an endpoint that is full nothing while another has room, and refuses when all are', async () => {
    const { handle, endpoints, attempts, tell } = door(first, 2)
    tell(a, b)
    for (const node of endpoints.all) node.inFlight = 1
    await handle(callOf())
    endpoints.all[0]!.inFlight = 2
    await handle(callOf())
    await handle(callOf({ tried: ['b'], resends: 1 }))
    expect(attempts.map(({ endpoint }) => endpoint.id)).toEqual(['a', 'b', 'b'])
    endpoints.all[1]!.inFlight = 2
    await expect(handle(callOf())).rejects.toMatchObject({
      code: 'MESH_ERR_LIMIT', service: 'users', attempts: 0, processed: 'no',
      message: 'users: each of its endpoints has 2 attempts under way, all that limits.maxInFlightPerEndpoint allows',
    })
    await expect(handle(callOf({ resends: 1, tried: ['a'] }))).rejects.toMatchObject({ attempts: 1, processed: 'maybe' })
  })

  it('takes the one whose turn it is among those with room', async () => {
    const offered: string[][] = []
    const { handle, endpoints, tell } = door({ pick: (nodes: readonly Node[]) => (offered.push(nodes.map(({ id }) => id)), nodes[0]) }, 1)
    tell(a, b, c)
    endpoints.all[0]!.inFlight = 1
    await handle(callOf())
    expect(offered).toEqual([['a', 'b', 'c'], ['b', 'c']])
  })

  it('tells the score with which it picked, where the algorithm has one', async () => {
    const { handle, events, tell } = door({ pick: (nodes) => nodes[1], costMs: () => 12.5 })
    tell(a, b)
    const told: unknown[] = []
    events.on('picked', (event) => told.push(event))
    await handle(callOf())
    expect(told).toEqual([{ service: 'users', endpoint: 'b', resends: 0, candidates: 2, score: 12.5 }])
  })

  it('tells what it picked', async () => {
    const { handle, events, tell } = door()
    tell(a)
    const told: unknown[] = []
    events.on('picked', (event) => told.push(event))
    await handle(callOf({ resends: 1 }))
    expect(told).toEqual([{ service: 'users', endpoint: 'a', resends: 1, candidates: 1, score: undefined }])
  })

  it('refuses when it is closed', async () => {
    const { handle, endpoints, tell } = door()
    tell(a)
    await endpoints.close()
    await expect(handle(callOf())).rejects.toMatchObject({ code: 'MESH_ERR_CLOSED' })
  })
})
