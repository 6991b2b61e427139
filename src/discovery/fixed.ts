import { MeshError } from '../base/errors.js'
import { Bell } from './bell.js'
import { readEndpoints } from './endpoint-reader.js'
import type { Registration, Registry } from './registry.js'
import { listedServices, type ListedService, type ServiceEntry } from './services-reader.js'

/** A registration in a list that somebody else keeps: nothing is written, so nothing can be lost. */
export function unlisted(): Registration {
  return { lost: new Promise(() => {}), deregister: async () => {} }
}

/**
 * A registry that is a list and never changes: `fixed({ users: ['127.0.0.1:8081', { host: '10.0.0.7', port: 80, weight: 2 }] })`.
 * A service that is not in it has no endpoints; an instance that registers is not added. Throws `MESH_ERR_OPTION`.
 */
export function fixed(services: Readonly<Record<string, ServiceEntry>>): Registry {
  const listed = listedServices(services, 'fixed')
  for (const [service, { endpoints }] of Object.entries(listed)) {
    const reason = readEndpoints(endpoints, `fixed.${service}`).refused[0]
    if (reason !== undefined) throw new MeshError('MESH_ERR_OPTION', reason)
  }
  return {
    name: 'fixed',
    authoritative: true,
    async *watch(service, { signal }) {
      const { endpoints, policy }: ListedService = listed[service] ?? { endpoints: [], policy: {} }
      yield { revision: 1, endpoints, policy }
      await new Bell().rung(signal)
    },
    register: async () => unlisted(),
  }
}
