import type { Rule } from './engine/policy.js'
import { C3 } from './policies/c3.js'
import { LatencyAware } from './policies/lalb.js'
import { LeastRequestOfAll, LeastRequestOfTwo } from './policies/least-request.js'
import { PeakEwma } from './policies/peak-ewma.js'
import { Prequal } from './policies/prequal.js'
import { product, spilling } from './policies/product.js'
import { RandomChoice } from './policies/random.js'
import { RoundRobin } from './policies/round-robin.js'
import { ShortestResponse } from './policies/shortest-response.js'
import { WeightedRoundRobin } from './policies/weighted-round-robin.js'

/** Every rule that is compared, published ones first, under the name of its column. */
export const policies: Readonly<Record<string, Rule>> = {
  random: { client: (context) => new RandomChoice(context) },
  'round-robin': { client: (context) => new RoundRobin(context) },
  'grpc-wrr': { client: (context) => new WeightedRoundRobin(context) },
  'least-request-p2c': { client: (context) => new LeastRequestOfTwo(context) },
  'least-request-all': { client: (context) => new LeastRequestOfAll(context) },
  'peak-ewma-p2c': { client: (context) => new PeakEwma(context) },
  lalb: { client: (context) => new LatencyAware(context) },
  'dubbo-shortest-response': { client: (context) => new ShortestResponse(context) },
  c3: { client: (context) => new C3(context) },
  prequal: { client: (context) => new Prequal(context) },
  adaptive: { client: product({ algorithm: 'adaptive' }) },
  'adaptive+reports': { client: product({ algorithm: 'adaptive', withReports: true }) },
  'adaptive+spill': { client: product({ algorithm: 'adaptive', withReports: true }), server: spilling },
}
