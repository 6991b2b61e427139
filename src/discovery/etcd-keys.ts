/** Where a service stands among etcd's keys. Both ends are text; on the wire every key and value is base64. */
export interface EtcdKeys {
  /** Key of an instance: `<prefix><service>/<id>`. */
  instance(id: string): string
  /** Key of what is wanted for calls to the service: `<prefix><service>.policy`. */
  readonly policy: string
  /** First key of one range that holds all these and those of no other service. */
  readonly from: string
  /** First key behind it. */
  readonly to: string
  /** The id in an instance's key; undefined when it is none. */
  idIn(key: string): string | undefined
}

export function keysOf(prefix: string, service: string): EtcdKeys {
  const folder = `${prefix}${service}/`
  return {
    instance: (id) => folder + id,
    policy: `${prefix}${service}.policy`,
    // Letters, digits and hyphens make the name of a service: none of them lies between '.', '/' and '0'.
    from: `${prefix}${service}.`,
    to: `${prefix}${service}0`,
    idIn: (key) => (key.startsWith(folder) ? key.slice(folder.length) : undefined),
  }
}

export function toBase64(text: string): string {
  return Buffer.from(text).toString('base64')
}

/** What is not base64 is taken for no text at all: a protocol buffer leaves out what is empty. */
export function fromBase64(encoded: unknown): string {
  return typeof encoded === 'string' ? Buffer.from(encoded, 'base64').toString() : ''
}
