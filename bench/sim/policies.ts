import type { CreatePolicy } from './engine/policy.js'
import { C3 } from './policies/c3.js'
import { LatencyAware } from './policies/lalb.js'
import { LeastRequestOfAll, LeastRequestOfTwo } from './policies/least-request.js'
import { PeakEwma } from './policies/peak-ewma.js'
import { Prequal } from './policies/prequal.js'
import { product } from './policies/product.js'
import { RandomChoice } from './policies/random.js'
import { RoundRobin } from './policies/round-robin.js'
import { ShortestResponse } from './policies/shortest-response.js'
import { WeightedRoundRobin } from './policies/weighted-round-robin.js'

/** Every rule that is compared, published ones first, under the name of its column. */
export const policies: Readonly<Record<string, CreatePolicy>> = {
  random: (context) => new RandomChoice(context),
  'round-robin': (context) => new RoundRobin(context),
  'grpc-wrr': (context) => new WeightedRoundRobin(context),
  'least-request-p2c': (context) => new LeastRequestOfTwo(context),
  'least-request-all': (context) => new LeastRequestOfAll(context),
  'peak-ewma-p2c': (context) => new PeakEwma(context),
  lalb: (context) => new LatencyAware(context),
  'dubbo-shortest-response': (context) => new ShortestResponse(context),
  c3: (context) => new C3(context),
  prequal: (context) => new Prequal(context),
  adaptive: product({ algorithm: 'adaptive' }),
  'adaptive+reports': product({ algorithm: 'adaptive', withReports: true }),
}
