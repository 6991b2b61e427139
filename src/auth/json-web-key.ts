/** A key as RFC 7517 writes it; which members it has is its type's affair (RFC 7518 §6). */
export interface JsonWebKey {
  kty?: string
  kid?: string
  alg?: string
  use?: string
  key_ops?: string[]
  crv?: string
  x?: string
  y?: string
  n?: string
  e?: string
  d?: string
  [member: string]: unknown
}
