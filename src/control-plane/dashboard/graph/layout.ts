import { layersOf, type Item } from './layers.js'
import { placesAcross } from './placement.js'
import type { Topology } from './topology.js'

export interface Point {
  readonly x: number
  readonly y: number
}

export interface PlacedEdge {
  readonly caller: string
  readonly callee: string
  /** As the `d` of an SVG path; it ends where the arrow's head begins. */
  readonly path: string
  readonly label: Point
  readonly tip: Point
  /** Which way the head points, in degrees; 0 is to the right. */
  readonly degrees: number
}

/** Everything in em of the graph's own font size; places are those of middles. */
export interface Layout {
  readonly width: number
  readonly height: number
  readonly nodes: readonly (Point & { readonly service: string })[]
  readonly edges: readonly PlacedEdge[]
}

export const NODE = { width: 14, height: 4.7 }
export const LABEL = { width: 8.6, height: 2.9 }
const HEAD_LENGTH = 0.75
const MARGIN = 1.6
/** An edge that passes a layer of services takes so much of it. */
const PASSING = 1.2
/** Room above and below a service that calls itself. */
const LOOP = 5
/** How far apart edges are at the side of a service. */
const BETWEEN_PORTS = 0.9

/** Places services in layers, callers before those whom they call: from left to right, or downwards where there is no room. */
export function layoutOf(topology: Topology, direction: 'right' | 'down'): Layout {
  const isRight = direction === 'right'
  const { layers, ways } = layersOf(topology)
  const [nodeAlong, nodeAcross] = isRight ? [NODE.width, NODE.height] : [NODE.height, NODE.width]
  const [labelAlong, labelAcross] = isRight ? [LABEL.width + 2.6, LABEL.height] : [LABEL.height + 1.8, LABEL.width]
  const loops = new Set(ways.filter(({ length }) => length === 1).map(([item]) => item!))
  const sizeOf = (item: Item): number => {
    if (item.service === undefined) return item.layer % 2 === 1 ? labelAcross + 0.5 : PASSING
    return nodeAcross + (isRight ? 1.8 : 1.2) + (loops.has(item) ? LOOP : 0)
  }
  const across = placesAcross(layers, sizeOf)
  const along = (layer: number): number => MARGIN + nodeAlong / 2 + ((nodeAlong + labelAlong) / 2) * layer
  const most = Math.max(0, ...[...across].map(([item, place]) => place + sizeOf(item) / 2))
  // From places along and across the layers to those on the screen.
  const at = (alongIt: number, acrossIt: number): Point => (isRight ? { x: alongIt, y: acrossIt + MARGIN } : { x: acrossIt + MARGIN, y: alongIt })
  const portOf = portsOf(ways, across, nodeAcross * 0.62)
  const end = at(along(layers.length - 1) + nodeAlong / 2 + MARGIN, most + MARGIN)

  const draw = (way: readonly Item[]): Omit<PlacedEdge, 'caller' | 'callee'> => {
    const first = way[0]!
    if (way.length === 1) return loop(at(along(first.layer), across.get(first)!))
    const sign = way[1]!.layer > first.layer ? 1 : -1
    const points = way.map((item, i): [number, number] => {
      if (i > 0 && i < way.length - 1) return [along(item.layer), across.get(item)!]
      const side = (i === 0 ? 1 : -1) * sign * (nodeAlong / 2)
      return [along(item.layer) + side + (i === 0 ? 0 : -sign * HEAD_LENGTH), portOf(way, item)]
    })
    const [tipAlong, tipAcross] = points.at(-1)!
    const label = way.find(({ layer }) => layer % 2 === 1)!
    return {
      path: curve(points, at),
      label: at(along(label.layer), across.get(label)!),
      tip: at(tipAlong + sign * HEAD_LENGTH, tipAcross),
      degrees: (isRight ? 0 : 90) + (sign > 0 ? 0 : 180),
    }
  }
  return {
    width: end.x,
    height: end.y,
    nodes: layers.flat().flatMap((item) => (item.service === undefined ? [] : [{ service: item.service, ...at(along(item.layer), across.get(item)!) }])),
    edges: topology.edges.map((edge, i) => ({ ...edge, ...draw(ways[i]!) })),
  }
}

/** Where across an edge leaves or reaches a service: apart from the others on that side, in their order. */
function portsOf(ways: readonly (readonly Item[])[], across: ReadonlyMap<Item, number>, room: number): (way: readonly Item[], end: Item) => number {
  const next = (way: readonly Item[], end: Item): Item => (way[0] === end ? way[1]! : way.at(-2)!)
  return (way, end) => {
    const side = next(way, end).layer
    const beside = ways.filter((one) => one.length > 1 && (one[0] === end || one.at(-1) === end) && next(one, end).layer === side)
    const inOrder = beside.sort((a, b) => across.get(next(a, end))! - across.get(next(b, end))!)
    const step = Math.min(BETWEEN_PORTS, room / Math.max(1, inOrder.length - 1))
    return across.get(end)! + (inOrder.indexOf(way) - (inOrder.length - 1) / 2) * step
  }
}

/** A line through points that goes along the layers at each of them. */
function curve(points: readonly (readonly [number, number])[], at: (along: number, across: number) => Point): string {
  const [[startAlong, startAcross]] = points as [[number, number]]
  const parts = points.slice(1).map(([along, across], i) => {
    const [fromAlong, fromAcross] = points[i]!
    const middle = (fromAlong + along) / 2
    return `C${text(at(middle, fromAcross))} ${text(at(middle, across))} ${text(at(along, across))}`
  })
  return `M${text(at(startAlong, startAcross))}${parts.join('')}`
}

/** Of a service that calls itself: out of its upper edge and in again. */
function loop({ x, y }: Point): Omit<PlacedEdge, 'caller' | 'callee'> {
  const top = y - NODE.height / 2
  const path = `M${text({ x: x - 4, y: top })}C${text({ x: x - 4, y: top - 2 })} ${text({ x: x + 4, y: top - 2 })} ${text({ x: x + 4, y: top - HEAD_LENGTH })}`
  return { path, label: { x, y: top - LABEL.height / 2 }, tip: { x: x + 4, y: top }, degrees: 90 }
}

function text({ x, y }: Point): string {
  return `${Math.round(x * 100) / 100} ${Math.round(y * 100) / 100}`
}
