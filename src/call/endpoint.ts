/** Where something runs; undefined where nobody has said. */
export interface Place {
  /** Availability zone. */
  readonly zone: string | undefined
  /** What zones belong to: two zones of one name in different regions are different zones. */
  readonly region: string | undefined
}

/** An address at which a service answers: plain data, as a registry gives it. */
export interface Endpoint extends Place {
  /** Unique within its service, and stable for as long as the instance lives. */
  readonly id: string
  /** Host name or IP address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** Static share of the traffic relative to the other endpoints. Default 1; 0 means none. */
  readonly weight: number
  /** `draining`: finishes what it has and must be given nothing new. */
  readonly status: 'ready' | 'draining'
  /** 0 comes first; the next one is for what the ones before have no capacity for. Default 0. */
  readonly priority: number
  readonly metadata: Readonly<Record<string, string>>
}

/** The entry of its metadata by which an endpoint says whether it speaks TLS: `https`, `http`, or nothing. */
export const SCHEME = 'scheme'

/** `host:port`, with brackets around an IPv6 address. */
export function addressOf(endpoint: Pick<Endpoint, 'host' | 'port'>): string {
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`
}
