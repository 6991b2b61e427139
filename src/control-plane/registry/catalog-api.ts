import { json, Refusal } from '../http/answer.js'
import type { Exchange, Route } from '../http/route.js'
import { untilChanged, type BlockingQueryContext } from './blocking-query.js'
import { consulRoute, DATACENTER, indexed, parseBool } from './consul-answer.js'
import { catalogJson, checksJson, healthJson, nodeCheckJson, nodeJson, type CheckJson, type RegistryNode } from './consul-json.js'
import { statusOf, type Service } from './service.js'

/**
 * What clients of a catalogue ask, most of it as blocking queries. There is one node, so `near` sorts nothing.
 * Source: {@link https://developer.hashicorp.com/consul/api-docs/health | Consul, Health and Catalog HTTP API}.
 */
export function catalogRoutes(context: BlockingQueryContext, node: RegistryNode, address: string): readonly Route[] {
  const { catalog } = context
  const query = (path: string, indexNow: (rest: string) => number, answer: (exchange: Exchange) => unknown): Route =>
    consulRoute('GET', path, async (exchange) => {
      await untilChanged(exchange, () => indexNow(exchange.rest), context)
      return indexed(indexNow(exchange.rest), answer(exchange))
    })
  const checksOf = (services: readonly Service[]): CheckJson[] => services.flatMap((service) => checksJson(service, node))
  const ofService = (name: string): number => catalog.indexOf(name)
  const ofAll = (): number => catalog.index
  return [
    query('/health/service/*', ofService, ({ rest, query: asked }) => {
      const passing = isPassingOnly(asked)
      const services = tagged(catalog.named(named(rest)), asked)
      return services.filter((service) => !passing || statusOf(service) === 'passing').map((service) => healthJson(service, node))
    }),
    query('/health/checks/*', ofService, ({ rest }) => checksOf(catalog.named(named(rest)))),
    query('/health/state/*', ofAll, ({ rest }) => {
      if (rest === '') throw new Refusal(400, 'Missing check state')
      const checks = [nodeCheckJson(node), ...checksOf(catalog.services)]
      return checks.filter(({ Status }) => rest === 'any' || Status === rest)
    }),
    query('/catalog/services', ofAll, () => {
      return Object.fromEntries(catalog.names.map((name) => [name, tagsOf(catalog.named(name))]))
    }),
    query('/catalog/service/*', ofService, ({ rest, query: asked }) =>
      tagged(catalog.named(named(rest)), asked).map((service) => catalogJson(service, node)),
    ),
    query('/catalog/nodes', ofAll, () => [nodeJson(node)]),
    consulRoute('GET', '/catalog/datacenters', () => json([DATACENTER])),
    consulRoute('GET', '/status/leader', () => json(address)),
    consulRoute('GET', '/status/peers', () => json([address])),
  ]
}

function named(name: string): string {
  if (name === '') throw new Refusal(400, 'Missing service name')
  return name
}

function isPassingOnly(query: URLSearchParams): boolean {
  const text = query.get('passing')
  // `?passing` without a value means yes.
  const passing = text === null ? false : text === '' || parseBool(text)
  if (passing === undefined) throw new Refusal(400, 'Invalid value for ?passing')
  return passing
}

function tagged(services: readonly Service[], query: URLSearchParams): readonly Service[] {
  const tags = query.getAll('tag')
  return services.filter(({ definition }) => tags.every((tag) => definition.tags.includes(tag)))
}

function tagsOf(services: readonly Service[]): string[] {
  return [...new Set(services.flatMap(({ definition }) => definition.tags))]
}
