import type { Clock } from '../../src/base/clock.js'
import { seededRandom, type Random } from '../../src/base/random.js'
import { Fleet } from '../../src/balancer/fleet.js'
import type { Level } from '../../src/balancer/level.js'
import { levelsOf, localityDefaults } from '../../src/balancer/locality.js'
import { Node, type Connection } from '../../src/balancer/node.js'
import { balancerDefaults, createPicker, type Picker } from '../../src/balancer/picker.js'
import type { Endpoint } from '../../src/call/endpoint.js'
import { Events } from '../../src/call/events.js'
import type { BalancerPolicy } from '../../src/call/policy.js'
import { FakeClock } from '../support/fake-clock.js'
import { callOf, endpointOf, scripted } from '../support/scripted.js'

/** Nodes that are only looked at. */
export function nodesOf(...fields: readonly Partial<Endpoint>[]): Node[] {
  const connect = (): Connection => ({ handle: scripted().handle, close: async () => {} })
  return fields.map((field, i) => new Node(endpointOf(`users-${i}`, field), connect))
}

/** The picture as a caller sees it that does not know where it is. */
export function drawAnywhere(known: readonly Node[]): readonly Level[] {
  return levelsOf(known, { zone: undefined, region: undefined }, localityDefaults)
}

/** A fleet of which nobody has told anything yet. */
export function fleetOn(clock: Clock = new FakeClock(), events = new Events()): Fleet {
  return new Fleet({ service: 'users', clock, random: seededRandom(1), events })
}

/** The picker of a service whose endpoints are seen beside `fleet`. */
export function pickerOf(policy: Partial<BalancerPolicy>, random: Random, clock: Clock = new FakeClock(), fleet = fleetOn(clock)): Picker {
  return createPicker({ ...balancerDefaults, ...policy }, { clock, random, standard: fleet })
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
