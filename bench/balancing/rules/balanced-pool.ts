import { BalancedPool } from 'undici'
import type { Rule } from '../rule.js'
import { requestThrough } from './pools.js'

/** undici's own: weighted round robin whose weights fall with connection errors and rise with connections. */
export const balancedPool: Rule = {
  about: "undici's BalancedPool: round robin, less to where connections fail",
  hears: 'by connections that fail',
  async open({ servers, callers, timeoutMs }) {
    const origins = servers.map(({ port }) => `http://127.0.0.1:${port}`)
    const pools = Array.from({ length: callers }, () => new BalancedPool(origins))
    return {
      callers: pools.map((pool) => ({ send: (workMs) => requestThrough(pool, origins[0]!, workMs, timeoutMs) })),
      close: async () => void (await Promise.all(pools.map((pool) => pool.destroy()))),
    }
  },
}
