import { json, Refusal, type Answer } from '../http/answer.js'
import type { Method, Route } from '../http/route.js'
import type { Catalog } from './catalog.js'
import { consulRoute, DATACENTER, done, parseBool } from './consul-answer.js'
import { agentServiceJson, checksJson, type RegistryNode } from './consul-json.js'
import { readCheckUpdate, readRegistration } from './read-registration.js'
import type { CheckDefinition, CheckStatus } from './service.js'

const MAX_BODY_BYTES = 512 * 1024

// Consul before 1.0 took GET for these, and clients of that age still send it.
const WRITE: readonly Method[] = ['PUT', 'GET']

const DEFAULT_REASON = 'Maintenance mode is enabled for this service, but no reason was provided. This is a default message.'

/**
 * What an instance says about itself, and what the agent says of the instances that registered with it.
 * Source: {@link https://developer.hashicorp.com/consul/api-docs/agent/service | Consul, Agent Service and Check HTTP API}.
 */
export function agentRoutes(catalog: Catalog, node: RegistryNode): readonly Route[] {
  const report = (checkId: string, status: CheckStatus, output: string): Answer => {
    const check = catalog.check(checkId)
    if (check === undefined) throw unknown('check', checkId)
    if (check.definition.ttlMs === undefined) throw new Refusal(500, `CheckID "${checkId}" does not have associated TTL`)
    catalog.report(checkId, status, output)
    return done
  }
  return [
    consulRoute('PUT', '/agent/service/register', async ({ body, query }) => {
      const replace = query.get('replace-existing-checks')
      catalog.register(readRegistration(await body(MAX_BODY_BYTES), replace === '' || replace === 'true'))
      return done
    }),
    consulRoute(WRITE, '/agent/service/deregister/*', ({ rest }) => {
      if (!catalog.deregister(rest)) throw unknown('service', rest)
      return done
    }),
    consulRoute('PUT', '/agent/service/maintenance/*', ({ rest, query }) => {
      if (rest === '') throw new Refusal(400, 'Missing service ID')
      const enabled = isEnabled(query)
      const check = maintenanceCheck(rest, query.get('reason') ?? '')
      if (catalog.withId(rest) === undefined) throw unknown('service', rest)
      if (enabled) catalog.addCheck(rest, check, 'critical')
      else catalog.removeCheck(check.id)
      return done
    }),
    consulRoute(WRITE, '/agent/check/pass/*', ({ rest, query }) => report(rest, 'passing', query.get('note') ?? '')),
    consulRoute(WRITE, '/agent/check/warn/*', ({ rest, query }) => report(rest, 'warning', query.get('note') ?? '')),
    consulRoute(WRITE, '/agent/check/fail/*', ({ rest, query }) => report(rest, 'critical', query.get('note') ?? '')),
    consulRoute('PUT', '/agent/check/update/*', async ({ rest, body }) => {
      const { status, output } = readCheckUpdate(await body(MAX_BODY_BYTES))
      return report(rest, status, output)
    }),
    consulRoute('GET', '/agent/services', () => {
      return json(Object.fromEntries(catalog.services.map((service) => [service.definition.id, agentServiceJson(service)])))
    }),
    consulRoute('GET', '/agent/service/*', ({ rest }) => {
      const service = catalog.withId(rest)
      if (service === undefined) throw new Refusal(404, `unknown service ID: ${rest}`)
      return json(agentServiceJson(service))
    }),
    consulRoute('GET', '/agent/checks', () => {
      const checks = catalog.services.flatMap((service) => checksJson(service, node))
      return json(Object.fromEntries(checks.map((check) => [check.CheckID, check])))
    }),
    consulRoute('GET', '/agent/self', () => json(selfJson(node))),
  ]
}

function isEnabled(query: URLSearchParams): boolean {
  const text = query.get('enable')
  if (text === null) throw new Refusal(400, 'Missing value for enable')
  const enabled = parseBool(text)
  if (enabled === undefined) throw new Refusal(400, `Invalid value for enable: "${text}"`)
  return enabled
}

function maintenanceCheck(serviceId: string, reason: string): CheckDefinition {
  return {
    id: `_service_maintenance:${serviceId}`,
    name: 'Service Maintenance Mode',
    notes: reason || DEFAULT_REASON,
    ttlMs: undefined,
    deregisterAfterMs: undefined,
  }
}

function unknown(kind: 'service' | 'check', id: string): Refusal {
  return new Refusal(404, `Unknown ${kind} ID "${id}". Ensure that the ${kind} ID is passed, not the ${kind} name.`)
}

function selfJson(node: RegistryNode): object {
  // The version is the level of the API, which is what clients ask it for.
  const version = { Version: '1.20.0', Revision: 'sidecarless' }
  return {
    Config: { Datacenter: DATACENTER, NodeName: node.name, NodeID: node.id, Server: true, ...version },
    Member: { Name: node.name, Addr: node.address, Status: 1, Tags: { dc: DATACENTER, role: 'consul' } },
    Meta: {},
    Stats: {},
  }
}
