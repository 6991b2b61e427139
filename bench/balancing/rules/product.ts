import { createMesh, memory, type InboundOptions, type ServiceOptions } from 'sidecarless'
import type { Address, Rule } from '../rule.js'

export interface ProductOptions {
  readonly about: string
  /** What the servers' inbound side does. With it callers bring tokens; without it they call plain HTTP. */
  readonly inbound?: InboundOptions
  /** What is wanted of calls to the service, over what every variant of this bench has. */
  readonly service?: ServiceOptions
}

/**
 * The product as a service uses it: a mesh a caller, over a registry. Retries and the breaker are off, so that what is
 * compared is who is picked and not what is done about the failures.
 */
export function product({ about, inbound, service }: ProductOptions): Rule {
  return {
    about,
    hears: 'from the registry, before the port closes',
    ...(inbound === undefined ? {} : { doors: { mesh: { ...inbound, policy: { allow: [{ from: ['bench'] }] } } } }),
    async open({ servers, callers, timeoutMs, issuer }) {
      const registry = memory()
      const list = (listed: readonly Address[]): void => registry.set('work', listed.map(({ port }) => `127.0.0.1:${port}`))
      list(servers)
      const alone: ServiceOptions = { timeoutMs, attemptTimeoutMs: timeoutMs, retry: { maxResends: 0 }, breaker: { failureRatio: 1 } }
      const meshes = Array.from({ length: callers }, () =>
        createMesh({
          service: 'bench',
          registry,
          services: { work: { ...alone, ...service } },
          ...(inbound === undefined ? {} : { identity: { issuer: issuer.url, clientSecret: issuer.clientSecret } }),
        }),
      )
      await Promise.all(meshes.map((mesh) => mesh.ready()))
      return {
        callers: meshes.map((mesh) => {
          const work = mesh.service('work')
          return {
            async send(workMs) {
              const reply = await work.get(`/work/${workMs.toFixed(2)}`)
              await reply.text()
              return reply.status
            },
          }
        }),
        list,
        close: async () => void (await Promise.all(meshes.map((mesh) => mesh.close()))),
      }
    },
  }
}
