/** An EndpointSlice as the API writes it; a test may put anything there. */
export interface SliceObject {
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly creationTimestamp?: string
    readonly resourceVersion?: string
  }
  readonly addressType?: unknown
  readonly endpoints?: unknown
  readonly ports?: unknown
}

/** A slice of `users` with these endpoints, in `default`, and with what a test wants different. */
export function usersSlice(name: string, endpoints: readonly unknown[] | null, different: object = {}): SliceObject {
  return {
    metadata: { name, labels: { 'kubernetes.io/service-name': 'users' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints,
    ...different,
  }
}

/** An endpoint as the EndpointSlice controller writes it for a pod, with what a test wants different. */
export function podEndpoint(pod: string, address: string, different: object = {}): object {
  return {
    addresses: [address],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: 'Pod', namespace: 'default', name: pod, uid: `uid-of-${pod}` },
    nodeName: 'node-1',
    zone: 'zone-a',
    ...different,
  }
}
