import { createHash, timingSafeEqual } from 'node:crypto'
import { serviceName } from '../../base/validate.js'
import type { JwtClients } from './jwt-clients.js'

export interface ClientsOptions {
  /** Secret of each client. */
  readonly clients: Readonly<Record<string, string>>
  /** Secret of every client that is not listed; undefined refuses those. */
  readonly clientSecret: string | undefined
  /** Clients that show a signed token instead of a secret; a secret of theirs does not count. */
  readonly jwtClients: JwtClients
}

/** How a client shows who it is. */
export type Credentials =
  | { readonly id: string; readonly secret: string }
  | { readonly id: string; readonly assertion: string }
  | { readonly id: string; readonly subjectToken: string }

/** Knows which services may have tokens. */
export interface Clients {
  /**
   * For how long a token for this client may live, in milliseconds; undefined for one that is not who it says. Takes as long
   * for an unknown name as for a wrong secret. `issuer` is under which URL it was asked.
   */
  grant(credentials: Credentials, issuer: string): Promise<number | undefined>
}

export function createClients({ clients, clientSecret, jwtClients }: ClientsOptions): Clients {
  const digests = new Map(Object.entries(clients).map(([id, secret]) => [id, digest(secret)]))
  const shared = clientSecret === undefined ? undefined : digest(clientSecret)
  const nobody = digest('')
  const knows = (id: string, secret: string): boolean => {
    const expected = digests.get(id) ?? (jwtClients.knows(id) ? undefined : shared)
    // Digests, because only values of one length can be compared in constant time.
    const isEqual = timingSafeEqual(digest(secret), expected ?? nobody)
    return isEqual && expected !== undefined && isServiceName(id)
  }
  return {
    async grant(credentials, issuer) {
      if ('secret' in credentials) return knows(credentials.id, credentials.secret) ? Infinity : undefined
      return jwtClients.grant(credentials, issuer)
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
