export { dns } from '../discovery/dns.js'
export type { DnsOptions } from '../discovery/dns-options.js'
