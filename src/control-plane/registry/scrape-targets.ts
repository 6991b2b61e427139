import { addressOf } from '../../call/endpoint.js'
import { json, type Answer } from '../http/answer.js'
import type { Route } from '../http/route.js'
import type { Catalog } from './catalog.js'
import type { RegistryNode } from './consul-json.js'
import { statusOf, type Service } from './service.js'

/** The list of every registered instance, healthy or not, for Prometheus' `http_sd_configs`. */
export function scrapeTargetsRoute(catalog: Catalog, node: RegistryNode): Route {
  const handle = (): Answer => {
    const reachable = catalog.services.filter(({ definition }) => definition.port > 0)
    return json(reachable.map((service) => target(service, node)))
  }
  return { methods: ['GET'], path: '/prometheus/targets', handle }
}

/**
 * One instance. `__meta_*` labels are there for relabelling and dropped after it; the instance's metadata
 * `metrics_path` overrides `/metrics`.
 * Source: {@link https://prometheus.io/docs/prometheus/latest/http_sd/ | Prometheus, Writing HTTP Service Discovery}.
 */
function target(service: Service, node: RegistryNode): object {
  const { id, name, address, port, tags, meta } = service.definition
  const metaLabels: Record<string, string> = {}
  for (const [key, value] of Object.entries(meta)) metaLabels[`__meta_sidecarless_meta_${key.replaceAll('-', '_')}`] = value
  const labels = {
    service: name,
    service_instance_id: id,
    __meta_sidecarless_health: statusOf(service),
    __meta_sidecarless_tags: `,${tags.join(',')},`,
    ...metaLabels,
    ...(meta['metrics_path'] === undefined ? {} : { __metrics_path__: meta['metrics_path'] }),
  }
  return { targets: [addressOf({ host: address || node.address, port })], labels }
}
