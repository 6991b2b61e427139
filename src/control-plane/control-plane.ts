import { randomBytes, randomUUID } from 'node:crypto'
import { systemClock, type Clock } from '../base/clock.js'
import { isMeshError } from '../base/errors.js'
import { systemRandom, type Random } from '../base/random.js'
import { callable, fields, listOf, mapOf, optionError, required, serviceName, text, wholeNumber, type Reader } from '../base/validate.js'
import { addressOf } from '../call/endpoint.js'
import { plainText } from './http/answer.js'
import { isLoopback } from './http/guard.js'
import { openServer, type HttpServer } from './http/server.js'
import { indexText } from './index-text.js'
import { createIssuer } from './issuer/issuer.js'
import type { JwkSet, TokenExchange } from './issuer/jwt-clients.js'
import { monitorRoutes } from './monitor/monitor-api.js'
import { Monitor } from './monitor/monitor.js'
import { receiverRoutes } from './monitor/receiver-api.js'
import { agentRoutes } from './registry/agent-api.js'
import { catalogRoutes } from './registry/catalog-api.js'
import { Catalog } from './registry/catalog.js'
import { NODE_NAME } from './registry/consul-answer.js'
import { scrapeTargetsRoute } from './registry/scrape-targets.js'

export interface ControlPlaneOptions {
  /** Loopback address or name to listen on. Default `127.0.0.1`. */
  host?: string
  /** Port to listen on, 0 for any free one. Default 7117. */
  port?: number
  /** Second port that takes OTLP, such as 4318; 0 for any free one. None by default; one that is taken is left alone. */
  otlpPort?: number
  /** Secret of each service that may have tokens. With this and without `clientSecret`, no other service may. */
  clients?: Readonly<Record<string, string>>
  /** Secret of every service that `clients` does not list. By default, without `clients`, a random one. */
  clientSecret?: string
  /** Public keys (RFC 7517 §5) of the services that sign for themselves, by `identity.clientKey`. A shared secret is not taken from them. */
  clientKeys?: Readonly<Record<string, JwkSet>>
  /** Another issuer, such as that of a Kubernetes cluster, whose tokens are exchanged for this one's: `identity.clientTokenFile`. */
  tokenExchange?: TokenExchange
  /** Which services each client may have tokens for. Default: any. */
  audiences?: Readonly<Record<string, readonly string[]>>
  /** Default: the machine's. */
  clock?: Clock
  /** Spreads the ends of blocking queries. Default: the machine's. */
  random?: Random
}

/** The defaults; not listed are the random `clientSecret` and the machine's clock and random. */
export const controlPlaneDefaults = Object.freeze({ host: '127.0.0.1', port: 7117 })

/** A running control plane. */
export interface ControlPlane {
  /** `http://127.0.0.1:7117`: the registry's address, the issuer of the tokens and where telemetry goes. */
  readonly url: string
  readonly port: number
  /** Where OTLP is taken besides `url`; undefined when that was not asked for or the port is taken. */
  readonly otlpUrl: string | undefined
  /** What services without a secret of their own authenticate with; undefined when only `clients` may. */
  readonly clientSecret: string | undefined
  /** Ends it at once, waiting clients too. Harmless when it has ended. */
  close(): Promise<void>
}

const loopbackHost: Reader<string> = (value, path) => {
  if (typeof value === 'string' && isLoopback(value)) return value
  throw optionError(path, 'a loopback address or name, since this control plane is for one machine', value)
}

const jwkSet: Reader<JwkSet> = (value, path) => {
  if (Array.isArray((value as Partial<JwkSet> | null)?.keys)) return value as JwkSet
  throw optionError(path, 'a JWK set: { keys: [...] }', value)
}

const readExchange: Reader<TokenExchange> = (value, path) => {
  const { issuer, jwks, subjects } = fields<TokenExchange>({ issuer: text, jwks: jwkSet, subjects: mapOf(serviceName, text) })(value, path)
  return {
    issuer: required(issuer, `${path}.issuer`, 'iss of its tokens'),
    jwks: required(jwks, `${path}.jwks`, 'its JWK set'),
    subjects: required(subjects, `${path}.subjects`, 'the subject of each service'),
  }
}

const readOptions = fields<ControlPlaneOptions>({
  host: loopbackHost,
  port: wholeNumber(0, 65_535),
  otlpPort: wholeNumber(0, 65_535),
  clients: mapOf(serviceName, text),
  clientSecret: text,
  clientKeys: mapOf(serviceName, jwkSet),
  tokenExchange: readExchange,
  audiences: mapOf(serviceName, listOf(serviceName)),
  clock: callable('a clock', 'now'),
  random: callable('a function'),
})

/**
 * Starts a registry, an identity service and a monitoring endpoint in this process, on one loopback port: what a mesh
 * needs on one machine, with nothing to install. Throws `MESH_ERR_OPTION` and `MESH_ERR_PORT_TAKEN`.
 */
export async function createControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const given = readOptions(options, '')
  const { host, port } = { ...controlPlaneDefaults, ...given }
  const clock = given.clock ?? systemClock
  const clients = given.clients ?? {}
  const clientSecret = given.clientSecret ?? (given.clients === undefined ? randomBytes(24).toString('base64url') : undefined)

  const catalog = new Catalog(clock)
  const { clientKeys = {}, audiences = {}, tokenExchange } = given
  const random = given.random ?? systemRandom
  const issuer = await createIssuer({ clients, clientSecret, clientKeys, audiences, tokenExchange, clock, random })
  const monitor = new Monitor(catalog, clock)
  const queries = { catalog, clock, random }

  const main = await openServer({
    host,
    port,
    routes: (at) => {
      const node = { id: randomUUID(), name: NODE_NAME, address: at.host === 'localhost' ? '127.0.0.1' : at.host }
      return [
        { methods: ['GET'], path: '/', handle: () => plainText(indexText) },
        ...agentRoutes(catalog, node),
        ...catalogRoutes(queries, node, addressOf(at)),
        scrapeTargetsRoute(catalog, node),
        ...issuer.routes(at.url),
        ...receiverRoutes(monitor),
        ...monitorRoutes(monitor),
      ]
    },
  })
  const otlp = await openOtlp(main, given.otlpPort, monitor)
  return {
    url: main.url,
    port: main.port,
    otlpUrl: otlp?.url,
    clientSecret,
    async close() {
      catalog.close()
      await Promise.all([main.close(), otlp?.close()])
    },
  }
}

/** Port 4318 is a convenience that another collector may have first, so a taken one is no error. */
async function openOtlp(
  main: HttpServer,
  port: number | undefined,
  monitor: Monitor,
): Promise<HttpServer | undefined> {
  if (port === undefined) return undefined
  try {
    return await openServer({ host: main.host, port, routes: () => receiverRoutes(monitor) })
  } catch (error) {
    if (isMeshError(error, 'MESH_ERR_PORT_TAKEN')) return undefined
    await main.close()
    throw error
  }
}
