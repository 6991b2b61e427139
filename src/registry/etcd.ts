export { etcd } from '../discovery/etcd.js'
export type { EtcdOptions } from '../discovery/etcd-options.js'
