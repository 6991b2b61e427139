/** An address at which a service answers: plain data, as a registry gives it. */
export interface Endpoint {
  /** Unique within its service, and stable for as long as the instance lives. */
  readonly id: string
  /** Host name or IP address; IPv6 without brackets. */
  readonly host: string
  readonly port: number
  /** Static share of the traffic relative to the other endpoints. Default 1; 0 means none. */
  readonly weight: number
  /** `draining`: finishes what it has and must be given nothing new. */
  readonly status: 'ready' | 'draining'
  /** Availability zone, for locality. */
  readonly zone: string | undefined
  readonly metadata: Readonly<Record<string, string>>
}

/** `host:port`, with brackets around an IPv6 address. */
export function addressOf(endpoint: Pick<Endpoint, 'host' | 'port'>): string {
  return endpoint.host.includes(':') ? `[${endpoint.host}]:${endpoint.port}` : `${endpoint.host}:${endpoint.port}`
}
