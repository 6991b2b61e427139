// Where the services of the demo find each other: REGISTRY is `etcd`, or else it is the control plane.
import { consul, type Registry } from 'sidecarless'
import { etcd } from 'sidecarless/registry/etcd'

/** Both read where they are from the environment: CONSUL_HTTP_ADDR and ETCDCTL_ENDPOINTS. */
export function registry(): Registry {
  return process.env.REGISTRY === 'etcd' ? etcd() : consul()
}
