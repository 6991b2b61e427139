import type { Clock } from '../base/clock.js'
import type { Random } from '../base/random.js'
import type { Call } from '../call/call.js'
import type { PickParts } from '../call/pick.js'
import type { BalancerAlgorithm, BalancerPolicy } from '../call/policy.js'
import { AdaptivePicker } from './adaptive.js'
import { LeastLoadedPicker } from './least-loaded.js'
import type { Node } from './node.js'
import { RandomPicker } from './random.js'
import { RingHashPicker } from './ring-hash.js'
import { RoundRobinPicker } from './round-robin.js'
import type { Standard } from './score.js'
import { WeightedPicker } from './weighted.js'

/** Chooses where a call goes. It changes nothing that others see, and runs once per attempt. */
export interface Picker {
  /** One of `nodes`, or undefined when there are none. */
  pick(nodes: readonly Node[], call: Call): Node | undefined
  /** What one more request costs at a node, in milliseconds: the least is picked. Only where the algorithm knows such a thing. */
  costMs?(node: Node, nowMs: number): number
  /** What the algorithm goes by at a node, where it looks at anything. */
  partsOf?(node: Node, nowMs: number): PickParts
}

export interface PickerParts {
  readonly clock: Clock
  readonly random: Random
  /** What the nodes are compared with. */
  readonly standard: Standard
}

const PICKERS: Readonly<Record<BalancerAlgorithm, (policy: BalancerPolicy, parts: PickerParts) => Picker>> = {
  adaptive: (_, parts) => new AdaptivePicker(parts),
  'least-loaded': (_, { random }) => new LeastLoadedPicker(random),
  'round-robin': (_, { random }) => new RoundRobinPicker(random),
  random: (_, { random }) => new RandomPicker(random),
  weighted: (_, { random }) => new WeightedPicker(random),
  'ring-hash': (policy) => new RingHashPicker(policy),
}

export const balancerDefaults: BalancerPolicy = Object.freeze({ algorithm: 'adaptive', hashHeader: '', hashCookie: '' })

/** Makes the picker of one service. */
export function createPicker(policy: BalancerPolicy, parts: PickerParts): Picker {
  return PICKERS[policy.algorithm](policy, parts)
}
