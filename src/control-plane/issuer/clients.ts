import { createHash, timingSafeEqual } from 'node:crypto'
import { serviceName } from '../../base/validate.js'

export interface ClientsOptions {
  /** Secret of each client. */
  readonly clients: Readonly<Record<string, string>>
  /** Secret of every client that is not listed; undefined refuses those. */
  readonly clientSecret: string | undefined
}

/** Knows which services may have tokens. */
export interface Clients {
  /** Whether this is a service's name with its secret. Takes as long for an unknown name as for a wrong secret. */
  knows(id: string, secret: string): boolean
}

export function createClients({ clients, clientSecret }: ClientsOptions): Clients {
  const digests = new Map(Object.entries(clients).map(([id, secret]) => [id, digest(secret)]))
  const shared = clientSecret === undefined ? undefined : digest(clientSecret)
  const nobody = digest('')
  return {
    knows(id, secret) {
      const expected = digests.get(id) ?? shared
      // Digests, because only values of one length can be compared in constant time.
      const isEqual = timingSafeEqual(digest(secret), expected ?? nobody)
      return isEqual && expected !== undefined && isServiceName(id)
    },
  }
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

export function isServiceName(text: string): boolean {
  try {
    serviceName(text, '')
    return true
  } catch {
    return false
  }
}
