import { Node, type Connection } from '../../src/balancer/node.js'
import type { Picker } from '../../src/balancer/picker.js'
import type { Endpoint } from '../../src/call/endpoint.js'
import { callOf, endpointOf, scripted } from '../support/scripted.js'

/** Nodes that are only looked at. */
export function nodesOf(...fields: readonly Partial<Endpoint>[]): Node[] {
  const connect = (): Connection => ({ handle: scripted().handle, close: async () => {} })
  return fields.map((field, i) => new Node(endpointOf(`users-${i}`, field), connect))
}

/** How often each node is picked in `picks` picks, in the order of the nodes. */
export function tally(picker: Picker, nodes: readonly Node[], picks: number): number[] {
  const counts = new Map<Node | undefined, number>()
  for (let i = 0; i < picks; i++) {
    const node = picker.pick(nodes, CALL)
    counts.set(node, (counts.get(node) ?? 0) + 1)
  }
  return nodes.map((node) => counts.get(node) ?? 0)
}

export const CALL = callOf()
