import { describe, expect, it } from 'vitest'
import type { VerificationKey } from '../../src/auth/key-set.js'
import { TokenMemory, type VerifiedToken } from '../../src/auth/token-memory.js'

function verified(service: string): VerifiedToken {
  return { peer: { service, principal: service, issuer: 'i', claims: {} }, key: {} as VerificationKey, keys: { find: () => undefined }, expiresAt: 0 }
}

describe('token memory', () => {
  it('J15 is bounded, and lets go what was unused longest', () => {
    const memory = new TokenMemory()
    memory.keep('used', verified('used'))
    for (let i = 0; i < 10_000; i++) {
      memory.keep(`token-${i}`, verified('other'))
      memory.find('used')
    }
    expect(memory.size).toBe(2_000)
    expect(memory.find('used')?.peer.service).toBe('used')
    expect(memory.find('token-0')).toBeUndefined()
    expect(memory.find('token-9999')).toBeDefined()
  })

  it('keeps no token, only a digest of fixed length', () => {
    expect(TokenMemory.idOf('a'.repeat(8000))).toHaveLength(44)
    expect(TokenMemory.idOf('a')).not.toBe(TokenMemory.idOf('b'))
  })
})
