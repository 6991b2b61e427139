import { MeshError } from '../base/errors.js'
import { isMessage, type EtcdMessage } from './etcd-gateway.js'
import { fromBase64, type EtcdKeys } from './etcd-keys.js'
import type { RawSnapshot } from './registry.js'

/** What is known of one service's keys, as of a revision. */
export class EtcdPicture {
  /** Everything up to here is in the picture. */
  revision: number
  readonly #entries = new Map<string, unknown>()
  #policy: unknown

  /** From the answer to a range. Throws `MESH_ERR_SNAPSHOT`. */
  constructor(
    readonly service: string,
    readonly keys: EtcdKeys,
    answer: EtcdMessage,
  ) {
    this.revision = this.revisionOf(answer)
    for (const pair of this.#list(answer, 'kvs')) this.#put(pair)
  }

  get snapshot(): RawSnapshot {
    return { revision: this.revision, endpoints: [...this.#entries.values()], policy: this.#policy }
  }

  /** Takes in what a watch tells: some changes, or none as a sign of life. Throws `MESH_ERR_SNAPSHOT`. */
  apply(message: EtcdMessage): void {
    const events = this.#list(message, 'events')
    for (const { type, kv } of events) {
      const pair = isMessage(kv) ? kv : {}
      if (type === 'DELETE') this.#delete(fromBase64(pair['key']))
      else this.#put(pair)
      // Of the change, not of the header: that may be ahead of changes that are still to come.
      this.revision = Math.max(this.revision, this.#numberIn(pair['mod_revision']))
    }
    if (events.length === 0) this.revision = Math.max(this.revision, this.revisionOf(message))
  }

  /** The revision of the whole store when it said this. */
  revisionOf({ header }: EtcdMessage): number {
    return this.#numberIn(isMessage(header) ? header['revision'] : undefined)
  }

  #put({ key, value }: EtcdMessage): void {
    const name = fromBase64(key)
    const id = this.keys.idIn(name)
    if (id !== undefined) this.#entries.set(name, entryOf(id, fromBase64(value)))
    else if (name === this.keys.policy) this.#policy = parsed(fromBase64(value))
  }

  #delete(name: string): void {
    this.#entries.delete(name)
    if (name === this.keys.policy) this.#policy = undefined
  }

  #list(message: EtcdMessage, name: string): readonly EtcdMessage[] {
    const list = message[name] ?? []
    if (!Array.isArray(list) || !list.every(isMessage)) throw this.#malformed(`has ${name} that are no list of objects`)
    return list
  }

  #numberIn(text: unknown): number {
    // A revision grows by one with every write: 15 digits are thirty thousand years of a thousand writes a second.
    if (typeof text !== 'string' || !/^\d{1,15}$/.test(text)) throw this.#malformed(`has no usable revision: ${String(text)}`)
    return Number(text)
  }

  #malformed(what: string): MeshError {
    return new MeshError('MESH_ERR_SNAPSHOT', `etcd's answer about '${this.service}' ${what}`, { service: this.service })
  }
}

/**
 * An instance as its key and its value tell it; what is malformed passes on, for the resolver to refuse. Fields of other
 * names are left out, so that whoever writes may know more than whoever reads.
 */
function entryOf(id: string, json: string): unknown {
  const value = parsed(json)
  if (!isMessage(value)) return value
  const { host, port, weight, status, zone, region, priority, metadata } = value
  return { id, host, port, weight, status, zone, region, priority, metadata }
}

/** What is not JSON stays the text that it is: the reason for which it is refused then shows it. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown
  } catch {
    return json
  }
}
