// First half of a drawing in layers: which layer everything stands in, and in what order (Sugiyama's method).
import type { Topology } from './topology.js'

/** Something that takes a place: a service, or an edge on its way through a layer. */
export interface Item {
  /** Of an edge on its way: which one. */
  readonly edge: number | undefined
  /** Of a service: which one. */
  readonly service: string | undefined
  readonly layer: number
  /** Those beside it in the layer before and the layer after. */
  readonly before: Item[]
  readonly after: Item[]
}

export interface Layers {
  /** Services stand in even layers; in the odd ones between them there is room for what is written on edges. */
  readonly layers: readonly Item[][]
  /** Of each edge, in order from its caller to its callee, both included; of who calls itself the service alone. */
  readonly ways: readonly (readonly Item[])[]
}

export function layersOf({ services, edges }: Topology): Layers {
  const ranks = ranksOf(services, edges)
  const nodes = new Map<string, Item>()
  const layers: Item[][] = Array.from({ length: Math.max(0, ...ranks.values()) * 2 + 1 }, () => [])
  const put = (item: Item): Item => (layers[item.layer]!.push(item), item)
  for (const service of services) {
    nodes.set(service, put({ edge: undefined, service, layer: ranks.get(service)! * 2, before: [], after: [] }))
  }
  const ways = edges.map(({ caller, callee }, edge) => {
    const [from, to] = [nodes.get(caller)!, nodes.get(callee)!]
    if (from === to) return [from]
    const [first, last] = from.layer < to.layer ? [from, to] : [to, from]
    const way = [first]
    for (let layer = first.layer + 1; layer < last.layer; layer++) way.push(put({ edge, service: undefined, layer, before: [], after: [] }))
    way.push(last)
    for (let i = 1; i < way.length; i++) {
      way[i - 1]!.after.push(way[i]!)
      way[i]!.before.push(way[i - 1]!)
    }
    return first === from ? way : way.reverse()
  })
  return { layers: ordered(layers), ways }
}

/** How far each service is from those who call and are not called. An edge that closes a circle does not count. */
function ranksOf(services: readonly string[], edges: Topology['edges']): ReadonlyMap<string, number> {
  const callees = new Map<string, string[]>(services.map((service) => [service, []]))
  for (const { caller, callee } of edges) if (caller !== callee) callees.get(caller)!.push(callee)
  const called = new Set(edges.filter(({ caller, callee }) => caller !== callee).map(({ callee }) => callee))
  const finished: string[] = []
  const forward = new Map<string, string[]>(services.map((service) => [service, []]))
  const state = new Map<string, 'open' | 'done'>()
  const visit = (service: string): void => {
    state.set(service, 'open')
    for (const callee of callees.get(service)!) {
      if (state.get(callee) === 'open') continue
      forward.get(service)!.push(callee)
      if (!state.has(callee)) visit(callee)
    }
    state.set(service, 'done')
    finished.push(service)
  }
  // Those whom nobody calls first, so that circles are cut where they are entered.
  for (const service of [...services.filter((one) => !called.has(one)), ...services]) if (!state.has(service)) visit(service)
  const ranks = new Map<string, number>(services.map((service) => [service, 0]))
  for (const service of finished.reverse()) {
    for (const callee of forward.get(service)!) ranks.set(callee, Math.max(ranks.get(callee)!, ranks.get(service)! + 1))
  }
  // Whom nobody calls stands just before the first whom it calls.
  for (const service of services) {
    const next = forward.get(service)!.map((callee) => ranks.get(callee)!)
    if (!called.has(service) && next.length > 0) ranks.set(service, Math.min(...next) - 1)
  }
  return ranks
}

const SWEEPS = 8

/** Orders each layer by the middle of its neighbours, forth and back, and keeps what crosses least. */
function ordered(layers: readonly Item[][]): readonly Item[][] {
  let best = layers.map((layer) => [...layer])
  let least = crossings(best)
  const current = layers.map((layer) => [...layer])
  for (let sweep = 0; sweep < SWEEPS && least > 0; sweep++) {
    const isForth = sweep % 2 === 0
    for (let step = 1; step < current.length; step++) {
      const i = isForth ? step : current.length - 1 - step
      const fixed = placesIn(current[isForth ? i - 1 : i + 1]!)
      const own = placesIn(current[i]!)
      const middle = new Map(current[i]!.map((item) => [item, mean((isForth ? item.before : item.after).map((one) => fixed.get(one)!)) ?? own.get(item)!]))
      current[i]!.sort((a, b) => middle.get(a)! - middle.get(b)! || own.get(a)! - own.get(b)!)
    }
    const crossed = crossings(current)
    if (crossed >= least) continue
    least = crossed
    best = current.map((layer) => [...layer])
  }
  return best
}

function crossings(layers: readonly Item[][]): number {
  let crossed = 0
  for (let i = 1; i < layers.length; i++) {
    const places = placesIn(layers[i]!)
    const ends = layers[i - 1]!.flatMap(({ after }) => after.map((item) => places.get(item)!).sort((a, b) => a - b))
    for (let a = 0; a < ends.length; a++) for (let b = a + 1; b < ends.length; b++) if (ends[a]! > ends[b]!) crossed++
  }
  return crossed
}

function placesIn(layer: readonly Item[]): ReadonlyMap<Item, number> {
  return new Map(layer.map((item, place) => [item, place]))
}

export function mean(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length
}
