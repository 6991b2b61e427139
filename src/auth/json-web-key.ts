import type { JWK } from 'jose'

/** A public key as RFC 7517 writes it. */
export type JsonWebKey = JWK
