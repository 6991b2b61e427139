import { moleculerLatency } from './moleculer/latency.js'
import type { Rule } from './rule.js'
import { balancedPool } from './rules/balanced-pool.js'
import { haproxy } from './rules/haproxy.js'
import { product } from './rules/product.js'
import { roundRobin } from './rules/round-robin.js'

/** What the others are compared with. */
export const OURS = 'adaptive'

/** Every rule that is compared, under the name of its row. */
export const rules: Readonly<Record<string, Rule>> = {
  [OURS]: product({ about: 'the default of this package, without identity' }),
  'adaptive+reports': product({ about: 'the same with identity, to servers that report their load', inbound: { loadReport: true } }),
  'adaptive+spill': product({
    about: 'the same, and servers may refuse what would wait there',
    inbound: { loadReport: true },
    service: { spill: { maxOffers: 2 } },
  }),
  'balanced-pool': balancedPool,
  'round-robin': roundRobin,
  'moleculer-latency': moleculerLatency,
  'haproxy-leastconn': haproxy,
}
