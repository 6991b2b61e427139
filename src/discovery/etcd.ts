import { systemClock, type Clock } from '../base/clock.js'
import { systemRandom, type Random } from '../base/random.js'
import { etcdCluster } from './etcd-cluster.js'
import { readEtcdOptions, type EtcdOptions } from './etcd-options.js'
import { registerInEtcd } from './etcd-registration.js'
import { watchEtcd } from './etcd-watch.js'
import type { Registry } from './registry.js'

/**
 * etcd 3.4 or newer, through its JSON gateway. An instance is the key `<prefix><service>/<id>`, which lives as long as its
 * lease, and its value is `{"host":"10.0.0.7","port":8080,"weight":1,"zone":"a","metadata":{}}`; somebody else who writes may
 * leave all but host and port away, or add `"status":"draining"`. What is wanted for calls to the service is the key
 * `<prefix><service>.policy`. An instance that gives no `host` stands under the address from which it reaches etcd.
 * Throws `MESH_ERR_OPTION`.
 */
export function etcd(options: EtcdOptions = {}, clock: Clock = systemClock, random: Random = systemRandom): Registry {
  const settings = readEtcdOptions(options)
  const cluster = etcdCluster(settings, clock, random)
  return {
    name: 'etcd',
    watch: (service, { signal }) => watchEtcd(service, { cluster, settings, clock, random, signal }),
    register: (instance, { signal }) => registerInEtcd(instance, { cluster, settings, clock, random }, signal),
  }
}
