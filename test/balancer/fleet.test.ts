import { describe, expect, it } from 'vitest'
import { MeshError } from '../../src/base/errors.js'
import type { Node } from '../../src/balancer/node.js'
import { LOAD_REPORT_HEADER } from '../../src/call/load-report.js'
import { Events } from '../../src/call/events.js'
import { VirtualClock } from '../support/virtual-clock.js'
import { scorePartsAt } from '../../src/balancer/score.js'
import { fleetOn, nodesOf } from './support.js'

function bench(count = 3) {
  const clock = new VirtualClock()
  const events = new Events()
  const ejected: string[] = []
  events.on('ejected', ({ endpoint }) => ejected.push(endpoint))
  const fleet = fleetOn(clock, events)
  const nodes = nodesOf(...Array.from({ length: count }, () => ({}))) as [Node, Node, Node]
  fleet.adopt(nodes)
  const answer = (node: Node, latencyMs: number, status = 200, headers: Record<string, string> = {}): void => {
    const flight = fleet.begin(node)
    clock.runUntil(clock.now() + latencyMs)
    fleet.ended(flight, fleet.answered(flight, { status, headers }), undefined)
  }
  const fail = (node: Node, afterMs: number, error: MeshError): void => {
    const flight = fleet.begin(node)
    clock.runUntil(clock.now() + afterMs)
    fleet.failed(flight, error)
  }
  return { clock, fleet, nodes, ejected, answer, fail }
}

const hungUp = new MeshError('MESH_ERR_ABORTED', 'hung up', { processed: 'maybe' })
const late = new MeshError('MESH_ERR_ATTEMPT_TIMEOUT', 'late', { processed: 'maybe' })

describe('fleet', () => {
  it('spares one new endpoint in full, and the less the more of them are new', () => {
    const rampOfNewest = (renewed: number): number => {
      const { clock, fleet, nodes, answer } = bench(20)
      fleet.adopt(nodes)
      clock.runUntil(60_000)
      const all: Node[] = [...nodes]
      for (let i = 0; i < renewed; i++) {
        all[i] = nodesOf({})[0]!
        clock.runUntil(clock.now() + 100)
        fleet.adopt(all)
      }
      answer(all[19]!, 60)
      return scorePartsAt(clock.now(), all[renewed - 1]!, fleet).ramp
    }
    expect(rampOfNewest(1)).toBeLessThan(0.13)
    expect(rampOfNewest(10)).toBeGreaterThan(0.2)
    expect(rampOfNewest(19)).toBeGreaterThan(0.5)
  })

  it('holds a polite refusal against nobody, and avoids who gave it until what waits there is done', () => {
    const { clock, fleet, nodes: [a, b], ejected, answer } = bench()
    for (let i = 0; i < 20; i++) {
      answer(a, 10)
      answer(b, 10)
    }
    const meanMs = a.latency.meanMs
    for (let i = 0; i < 10; i++) answer(a, 0, 503, { 'mesh-not-processed': '1', 'mesh-spilled': '80' })
    expect(a).toMatchObject({ latency: { meanMs }, inFlight: 0, state: 'ready' })
    expect(a.success.ratioAt(clock.now())).toBe(1)
    expect(ejected).toEqual([])
    const latencyMs = (): number => scorePartsAt(clock.now(), a, fleet).latencyMs
    expect(latencyMs()).toBe(80)
    clock.runUntil(clock.now() + 30)
    expect(latencyMs()).toBe(50)
    clock.runUntil(clock.now() + 60)
    expect(latencyMs()).toBeCloseTo(meanMs, 1)
  })

  it('knows the mean of all endpoints, each counted once', () => {
    const { fleet, nodes: [a, b], answer, clock } = bench()
    answer(a, 10)
    for (let i = 0; i < 100; i++) answer(b, 40)
    clock.runUntil(clock.now() + 100)
    answer(b, 40)
    expect(fleet.meanMs).toBeGreaterThan(20)
    expect(fleet.meanMs).toBeLessThan(27)
  })

  it('does not forget that somebody waited in vain before he hung up', () => {
    const { nodes: [a], answer, fail, clock } = bench()
    answer(a, 10)
    fail(a, 1_000, hungUp)
    expect(a.latency.meanMs).toBeGreaterThan(100)
    expect(a.success.ratioAt(clock.now())).toBe(1)
    fail(a, 1, hungUp)
    expect(a.latency.meanMs).toBeGreaterThan(100)
  })

  it('has 429 make an endpoint dearer, and never put it out of rotation', () => {
    const { nodes: [a, b, c], answer, ejected, clock } = bench()
    for (const node of [b, c]) answer(node, 10)
    for (let i = 0; i < 40; i++) answer(a, 1, 429, { 'retry-after': '60' })
    expect(ejected).toEqual([])
    expect(a.success.ratioAt(clock.now())).toBeLessThan(0.1)
  })

  it('ejects for timeouts, which are felt at their full length', () => {
    const { nodes: [a, b, c], answer, fail, ejected } = bench()
    for (const node of [a, b, c]) answer(node, 10)
    for (let i = 0; i < 5; i++) fail(a, 500, late)
    expect(ejected).toEqual(['users-0'])
    expect(a.latency.meanMs).toBeGreaterThan(200)
  })

  it('L05 takes a failure that was answered for what it is, although this process stood still meanwhile', () => {
    const { nodes: [a], fleet, clock } = bench()
    const flight = fleet.begin(a)
    clock.standStill(500)
    fleet.ended(flight, fleet.answered(flight, { status: 503, headers: {} }), undefined)
    expect(a.success.ratioAt(clock.now())).toBeCloseTo(0.9)
    expect(a.latency.samples).toBe(0)
  })

  it('believes no report that it cannot read, and forgets no other', () => {
    const { nodes: [a], answer } = bench()
    answer(a, 10, 200, { [LOAD_REPORT_HEADER]: 'TEXT named_metrics.inflight=7' })
    answer(a, 10, 200, { [LOAD_REPORT_HEADER]: 'TEXT nonsense' })
    expect(a.report?.queue).toBe(7)
  })

  it('takes utilization for a queue where nothing else is told', () => {
    const { nodes: [a, b], answer } = bench()
    answer(a, 10, 200, { [LOAD_REPORT_HEADER]: 'TEXT cpu_utilization=0.5' })
    answer(b, 10, 200, { [LOAD_REPORT_HEADER]: 'JSON {"application_utilization":3}' })
    expect(a.report?.queue).toBe(1)
    expect(b.report?.queue).toBeCloseTo(19)
  })

  it('takes those for new that come after the first ones, and only those', () => {
    const { fleet, nodes, clock } = bench()
    clock.runUntil(5_000)
    const [late] = nodesOf({ id: 'late' }) as [Node]
    fleet.adopt([...nodes, late])
    expect(nodes.map(({ sinceMs }) => sinceMs)).toEqual([-Infinity, -Infinity, -Infinity])
    expect(late.sinceMs).toBe(5_000)
  })

  it('has an empty first picture make nobody new', () => {
    const fleet = fleetOn(new VirtualClock())
    const [node] = nodesOf({}) as [Node]
    fleet.adopt([])
    fleet.adopt([node])
    expect(node.sinceMs).toBe(-Infinity)
  })
})
