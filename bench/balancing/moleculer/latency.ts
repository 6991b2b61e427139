import type { Rule } from '../rule.js'
import { createBroker, moleculerMissing, type Broker } from './moleculer.js'

const JOIN_TIMEOUT_MS = 20_000

/** Its default is 10 s: more than a play lasts. */
const PING_INTERVAL_MS = 200

/** The mean of so many pings is what it goes by; the first ones include what it takes to connect. */
const PINGS = 5

/**
 * Moleculer with its Latency strategy: calls by its own protocol to nodes in the same servers. Of five nodes taken by lot it
 * calls the first whose pings take less than 10 ms; when none does, the one that answers pings soonest.
 */
export const moleculerLatency: Rule = {
  about: 'Moleculer with its Latency strategy, over its own TCP transporter; pings each 200 ms',
  hears: 'by a connection that ends; of one that is back by gossip each second',
  doors: { moleculer: true },
  missing: moleculerMissing,
  async open({ servers, callers, timeoutMs }) {
    const peers = servers.map(({ node }) => `127.0.0.1:${node.port}/${node.id}`)
    const brokers = Array.from({ length: callers }, (_, caller) =>
      // A name is used once: the nodes remember whom they have seen.
      createBroker(`caller-${caller}-${Date.now()}`, {
        peers,
        more: { requestTimeout: timeoutMs, registry: { strategy: 'Latency', strategyOptions: { pingInterval: PING_INTERVAL_MS / 1000, collectCount: PINGS } } },
      }),
    )
    await Promise.all(brokers.map((broker) => broker.start()))
    await Promise.all(brokers.map((broker) => joined(broker, servers.map(({ node }) => node.id))))
    await new Promise((resolve) => setTimeout(resolve, 2 * PINGS * PING_INTERVAL_MS))
    return {
      callers: brokers.map((broker) => ({
        async send(workMs) {
          await broker.call('work.do', { workMs })
          return 200
        },
      })),
      close: async () => void (await Promise.all(brokers.map((broker) => broker.stop()))),
    }
  },
}

/** Fulfils when the broker can call all of these nodes. */
async function joined(broker: Broker, nodes: readonly string[]): Promise<void> {
  const startedAt = performance.now()
  for (;;) {
    const known = new Set(broker.registry.nodes.list({ onlyAvailable: true, withServices: false }).map(({ id }) => id))
    if (nodes.every((id) => known.has(id))) return
    if (performance.now() - startedAt > JOIN_TIMEOUT_MS) throw new Error('Moleculer nodes did not find each other')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
