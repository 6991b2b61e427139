import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/base/random.js'
import type { Node } from '../../src/balancer/node.js'
import { OutlierDetector, outlierDefaults } from '../../src/balancer/outlier.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import type { OutlierPolicy } from '../../src/call/policy.js'
import { nodesOf } from './support.js'

interface Bench {
  readonly nodes: Node[]
  readonly detector: OutlierDetector
  readonly ejected: MeshEvents['ejected'][]
  readonly readmitted: MeshEvents['readmitted'][]
  /** Results of attempts at a node, at one moment. */
  results(node: Node, nowMs: number, ...succeeded: (boolean | undefined)[]): void
}

function bench(count: number, policy: Partial<OutlierPolicy> = {}): Bench {
  const events = new Events()
  const ejected: MeshEvents['ejected'][] = []
  const readmitted: MeshEvents['readmitted'][] = []
  events.on('ejected', (event) => ejected.push(event))
  events.on('readmitted', (event) => readmitted.push(event))
  const nodes = nodesOf(...Array.from({ length: count }, () => ({})))
  const detector = new OutlierDetector({ service: 'users', random: seededRandom(1), events })
  detector.policy = { ...outlierDefaults, ...policy }
  detector.adopt(nodes)
  return {
    nodes, detector, ejected, readmitted,
    results(node, nowMs, ...results) {
      for (const succeeded of results) {
        const flight = node.waiting.add(node, nowMs)
        detector.begin(flight)
        flight.settle()
        if (succeeded !== undefined) node.success.observe(succeeded, nowMs)
        detector.end(flight, succeeded, nowMs)
      }
    },
  }
}

const FIVE = [false, false, false, false, false]

describe('outlier detection', () => {
  it('ejects after five failures in a row, and not after five with a success among them', () => {
    const { nodes, ejected, results } = bench(3)
    results(nodes[0]!, 0, false, false, false, false, true, false, undefined, false, false, false)
    expect(ejected).toEqual([])
    results(nodes[0]!, 0, false)
    expect(ejected).toEqual([{ service: 'users', endpoint: 'users-0', reason: 'consecutive-failures', forMs: 30_000 }])
    expect(nodes[0]!.state).toBe('ejected')
  })

  it.each([
    [2, 0.1, 1],
    [3, 0.1, 1],
    [10, 0.3, 3],
    [5, 0.5, 2],
    [3, 0, 0],
  ])('lets of %i endpoints at a ratio of %d only %i go', (count, maxEjectedRatio, mayGo) => {
    const { nodes, ejected, results } = bench(count, { maxEjectedRatio })
    for (const node of nodes.slice(0, -1)) results(node, 0, ...FIVE)
    expect(ejected).toHaveLength(Math.min(mayGo, count - 1))
  })

  it('never ejects the only one', () => {
    const { nodes, ejected, results } = bench(1)
    results(nodes[0]!, 0, ...FIVE, ...FIVE)
    expect(ejected).toEqual([])
  })

  it('blames nobody when the others fail as well', () => {
    const { nodes, ejected, results } = bench(4, { maxEjectedRatio: 1 })
    for (let i = 0; i < 12; i++) for (const node of nodes.slice(1)) node.success.observe(false, 0)
    results(nodes[0]!, 0, ...FIVE)
    expect(ejected).toEqual([])
  })

  it('lets one real request decide about the return, and gives it no other meanwhile', () => {
    const { nodes, detector, readmitted, results } = bench(3)
    const [node] = nodes as [Node]
    results(node, 0, ...FIVE)
    expect(detector.due(29_999)).toBeUndefined()
    expect(detector.due(30_000)).toBe(node)
    // The call was given up on its way: the next one takes its place.
    expect(detector.due(30_000)).toBe(node)
    const deciding = node.waiting.add(node, 30_000)
    detector.begin(deciding)
    expect(detector.due(30_005)).toBeUndefined()
    detector.end(deciding, true, 30_010)
    expect(readmitted).toEqual([{ service: 'users', endpoint: 'users-0' }])
    expect(node).toMatchObject({ state: 'ready', sinceMs: 30_010 })
  })

  it('is not moved by the answer to a request that was under way before', () => {
    const { nodes, detector, readmitted, results } = bench(3)
    const [node] = nodes as [Node]
    const early = node.waiting.add(node, 0)
    detector.begin(early)
    results(node, 0, ...FIVE)
    detector.due(30_000)
    detector.end(early, true, 30_001)
    expect(readmitted).toEqual([])
  })

  it('ejects for longer each time, up to the most, and forgets with every quiet interval', () => {
    const { nodes, detector, ejected, results } = bench(3, { maxEjectionMs: 100_000 })
    const [node] = nodes as [Node]
    results(node, 0, ...FIVE)
    let nowMs = 0
    for (let i = 0; i < 4; i++) {
      nowMs = node.standing.ejectedUntilMs
      expect(detector.due(nowMs)).toBe(node)
      results(node, nowMs, false)
    }
    expect(ejected.map(({ forMs }) => forMs)).toEqual([30_000, 60_000, 90_000, 100_000, 100_000])
    expect(ejected.at(-1)!.reason).toBe('probe-failed')
    nowMs = node.standing.ejectedUntilMs
    detector.due(nowMs)
    results(node, nowMs, true)
    for (let i = 0; i < 10; i++) results(nodes[1]!, (nowMs += 10_000), true)
    results(node, nowMs, ...FIVE)
    expect(ejected.at(-1)!.forMs).toBe(30_000)
  })

  it('tries again with the next call when the caller of the deciding one hung up', () => {
    const { nodes, detector, results } = bench(3)
    const [node] = nodes as [Node]
    results(node, 0, ...FIVE)
    detector.due(30_000)
    results(node, 30_000, undefined)
    expect(node.state).toBe('ejected')
    expect(detector.due(30_001)).toBe(node)
  })

  it('does not hold against an endpoint that is well again what it did a while ago', () => {
    const { nodes, ejected, results } = bench(3, { consecutiveFailures: 0 })
    for (const node of nodes.slice(1)) results(node, 0, ...Array.from({ length: 100 }, () => true))
    results(nodes[0]!, 0, ...Array.from({ length: 100 }, (_, i) => i % 2 === 0))
    results(nodes[1]!, 60_000, true)
    expect(ejected).toEqual([])
  })

  it('does not count those that leave among those that are left', () => {
    const { nodes, detector } = bench(4)
    detector.rest(nodes[0]!, 5_000, 0)
    for (const node of nodes.slice(2)) void node.close()
    detector.adopt(nodes)
    expect(nodes.map(({ state }) => state)).toEqual(['ejected', 'ready', 'draining', 'draining'])
  })

  it('uses the ejected as well when less than half is left, and says so by their state', () => {
    const { nodes, detector } = bench(3)
    detector.rest(nodes[0]!, 5_000, 0)
    expect(nodes.map(({ state }) => state)).toEqual(['ejected', 'ready', 'ready'])
    detector.rest(nodes[1]!, 5_000, 0)
    expect(nodes.map(({ state }) => state)).toEqual(['ready', 'ready', 'ready'])
    detector.adopt(nodes.slice(1))
    expect(nodes.slice(1).map(({ state }) => state)).toEqual(['ejected', 'ready'])
  })

  it('L06 never comes back before the time that was asked for, and at most a fifth later', () => {
    const { nodes, detector, ejected } = bench(100)
    for (const node of nodes.slice(0, 40)) detector.rest(node, 5_000, 0)
    expect(ejected).toHaveLength(40)
    for (const { forMs } of ejected) {
      expect(forMs).toBeGreaterThanOrEqual(5_000)
      expect(forMs).toBeLessThanOrEqual(6_000)
    }
    expect(new Set(ejected.map(({ forMs }) => forMs)).size).toBeGreaterThan(30)
  })
})
