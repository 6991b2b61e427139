import type { Random } from '../base/random.js'
import type { Call } from '../call/call.js'
import type { BalancerAlgorithm, BalancerPolicy } from '../call/policy.js'
import { LeastLoadedPicker } from './least-loaded.js'
import type { Node } from './node.js'
import { RandomPicker } from './random.js'
import { RoundRobinPicker } from './round-robin.js'
import { WeightedPicker } from './weighted.js'

/** Chooses where a call goes. It only reads the nodes, and makes no garbage: it runs once per attempt. */
export interface Picker {
  /** One of `nodes`, or undefined when there are none. */
  pick(nodes: readonly Node[], call: Call): Node | undefined
}

const PICKERS: Readonly<Record<BalancerAlgorithm, new (random: Random) => Picker>> = {
  random: RandomPicker,
  'round-robin': RoundRobinPicker,
  weighted: WeightedPicker,
  'least-loaded': LeastLoadedPicker,
}

export const balancerDefaults: BalancerPolicy = Object.freeze({ algorithm: 'least-loaded' })

/** Makes the picker of one service. */
export function createPicker(algorithm: BalancerAlgorithm, random: Random): Picker {
  return new PICKERS[algorithm](random)
}
