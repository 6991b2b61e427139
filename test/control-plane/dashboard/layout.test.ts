import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LABEL, layoutOf, NODE, type Point } from '../../../src/control-plane/dashboard/graph/layout.js'
import { edgeWidth, topologyOf, type Topology } from '../../../src/control-plane/dashboard/graph/topology.js'
import { shopWorld } from './world.js'

const names = Array.from({ length: 9 }, (_, i) => `s${i}`)
const meshes: fc.Arbitrary<Topology> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)), { selector: ([a, b]) => `${a} ${b}`, maxLength: 20 })
  .map((pairs) => ({ services: names, edges: pairs.map(([caller, callee]) => ({ caller, callee })) }))
const directions = fc.constantFrom('right' as const, 'down' as const)

function overlap(a: Point, b: Point, { width, height }: { width: number; height: number }): boolean {
  return Math.abs(a.x - b.x) < width - 1e-6 && Math.abs(a.y - b.y) < height - 1e-6
}

describe('the drawing of a mesh', () => {
  it('covers no service and no figure by another, and stays within its bounds, circles and all', () => {
    fc.assert(
      fc.property(meshes, directions, (mesh, direction) => {
        const { nodes, edges, width, height } = layoutOf(mesh, direction)
        expect(nodes.map(({ service }) => service).sort()).toEqual([...names])
        nodes.forEach((a, i) => nodes.slice(i + 1).forEach((b) => expect(overlap(a, b, NODE), `${a.service} ${b.service}`).toBe(false)))
        const labels = edges.filter(({ caller, callee }) => caller !== callee).map(({ label }) => label)
        labels.forEach((a, i) => labels.slice(i + 1).forEach((b) => expect(overlap(a, b, LABEL)).toBe(false)))
        for (const { x, y } of [...nodes, ...edges.map(({ label }) => label)]) {
          expect(x).toBeGreaterThan(0)
          expect(y).toBeGreaterThan(0)
          expect(x).toBeLessThan(width)
          expect(y).toBeLessThan(height)
        }
        expect(JSON.stringify(edges)).not.toMatch(/null|NaN/)
      }),
      { numRuns: 60 },
    )
  })

  it('puts callers before those whom they call, where they do not call in a circle', () => {
    const acyclic = meshes.map(({ services, edges }) => ({ services, edges: edges.filter(({ caller, callee }) => caller < callee) }))
    fc.assert(
      fc.property(acyclic, directions, (mesh, direction) => {
        const { nodes } = layoutOf(mesh, direction)
        const at = new Map(nodes.map(({ service, x, y }) => [service, direction === 'right' ? x : y]))
        for (const { caller, callee } of mesh.edges) expect(at.get(caller)!).toBeLessThan(at.get(callee)!)
      }),
      { numRuns: 60 },
    )
  })

  it('sets a chain on one line, and crosses nothing where nothing need cross', () => {
    const chain = layoutOf({ services: ['a', 'b', 'c'], edges: [{ caller: 'a', callee: 'b' }, { caller: 'b', callee: 'c' }] }, 'right')
    expect(new Set(chain.nodes.map(({ y }) => Math.round(y * 100))).size).toBe(1)
    const crossed = layoutOf({ services: ['a', 'b', 'x', 'y'], edges: [{ caller: 'a', callee: 'y' }, { caller: 'b', callee: 'x' }] }, 'right')
    const y = (service: string): number => crossed.nodes.find((node) => node.service === service)!.y
    expect(Math.sign(y('a') - y('b'))).toBe(Math.sign(y('y') - y('x')))
  })

  it('is the same whatever order the figures come in', () => {
    const { services, edges } = shopWorld(0)
    const one = layoutOf(topologyOf(services, edges), 'right')
    const other = layoutOf(topologyOf([...services].reverse(), [...edges].reverse()), 'right')
    expect(other).toEqual(one)
  })

  it('draws more calls wider, and none still visibly', () => {
    const widths = [0, 1, 10, 100, 1_000, 1e9].map(edgeWidth)
    expect([...widths].sort((a, b) => a - b)).toEqual(widths)
    expect(widths[0]).toBeGreaterThan(0.1)
    expect(widths.at(-1)).toBe(0.5)
  })
})
