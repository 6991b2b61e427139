import { MeshError } from '../base/errors.js'
import { joinRegistry, type Membership, type MembershipContext } from './membership.js'
import type { Instance } from './registry.js'

/** Keeps this process's instances in the registry. */
export interface Registrar {
  /** Ids of the instances that are kept there, whether or not the registry can be reached at this moment. */
  readonly instances: readonly string[]
  /**
   * Registers, and registers again whenever the registry has lost the instance. Fulfils when it stands there for the first
   * time, however long that takes; until then the process is kept alive. Throws `MESH_ERR_OPTION` when the registry will
   * never take it, `MESH_ERR_CLOSED` when it was taken out first.
   */
  register(instance: Instance): Promise<void>
  /** Takes every instance out; never rejects, and takes no longer than a second. Harmless when repeated. */
  deregister(): Promise<void>
}

export function createRegistrar(context: MembershipContext): Registrar {
  const memberships = new Map<string, Membership>()
  return {
    get instances() {
      return [...memberships.values()].map(({ instance }) => instance.id)
    },

    // Not async: a promise around this one would be rejected with nobody listening when the instance is taken out first.
    register(instance) {
      const key = `${instance.service}/${instance.id}`
      if (memberships.has(key)) {
        return Promise.reject(new MeshError('MESH_ERR_OPTION', `id: expected a new one, got '${instance.id}' a second time`))
      }
      const membership = joinRegistry(instance, context)
      memberships.set(key, membership)
      void membership.ended.then(() => memberships.delete(key))
      return membership.standing
    },

    async deregister() {
      await Promise.all([...memberships.values()].map((membership) => membership.leave()))
    },
  }
}
