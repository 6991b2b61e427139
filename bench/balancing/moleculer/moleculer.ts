import { createRequire } from 'node:module'
import os from 'node:os'

/** What this bench uses of a Moleculer broker. */
export interface Broker {
  readonly registry: { readonly nodes: { list(options: object): readonly { readonly id: string; readonly available: boolean }[] } }
  createService(schema: object): unknown
  start(): Promise<void>
  stop(): Promise<void>
  call(action: string, parameters: object): Promise<unknown>
}

interface Moleculer {
  readonly ServiceBroker: new (options: object) => Broker
}

const load = createRequire(import.meta.url)

/** Why Moleculer cannot be used; undefined when it can. */
export function moleculerMissing(): string | undefined {
  try {
    load.resolve('moleculer')
    return undefined
  } catch {
    return 'moleculer is not installed: npm install --prefix bench/balancing/moleculer'
  }
}

/**
 * A broker on the TCP transporter that knows its peers by address. Its latency strategy keeps one figure a host name, so
 * each node gets one of its own, as on machines of their own.
 */
export function createBroker(nodeId: string, options: { readonly port?: number; readonly peers: readonly string[]; readonly more?: object }): Broker {
  os.hostname = () => nodeId
  const { ServiceBroker } = load('moleculer') as Moleculer
  return new ServiceBroker({
    nodeID: nodeId,
    logger: false,
    transporter: {
      type: 'TCP',
      options: { udpDiscovery: false, port: options.port ?? null, urls: [...options.peers], useHostname: false, gossipPeriod: 1 },
    },
    ...options.more,
  })
}
