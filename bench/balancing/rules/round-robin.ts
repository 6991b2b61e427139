import { Pool } from 'undici'
import type { Rule } from '../rule.js'
import { requestThrough } from './pools.js'

/**
 * One after the other, over one undici Pool a server. undici's RoundRobinPool does the same with the connections to one
 * origin, and takes no list of them.
 */
export const roundRobin: Rule = {
  about: 'one after the other, over undici Pools',
  hears: 'not at all',
  async open({ servers, callers: count, timeoutMs }) {
    const origins = servers.map(({ port }) => `http://127.0.0.1:${port}`)
    const pools: Pool[] = []
    const callers = Array.from({ length: count }, (_, caller) => {
      const own = origins.map((origin) => new Pool(origin))
      pools.push(...own)
      let turn = caller
      return {
        send: (workMs: number) => {
          const next = turn++ % own.length
          return requestThrough(own[next]!, origins[next]!, workMs, timeoutMs)
        },
      }
    })
    return { callers, close: async () => void (await Promise.all(pools.map((pool) => pool.destroy()))) }
  },
}
