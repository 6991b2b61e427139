import { describe, expect, it } from 'vitest'
import type { ConnectionIdentity } from '../src/auth/connection-identity.js'
import { callerIdentity, type CallerGround } from '../src/caller-identity.js'
import { FakeClock } from './support/fake-clock.js'

const certificates = {} as ConnectionIdentity
const ground = (more: Partial<CallerGround> = {}): CallerGround => ({ service: 'users', clock: new FakeClock(), verification: undefined, ...more })

describe('how a caller is known', () => {
  it('is refused as an option where there is nothing to know it by', () => {
    expect(() => callerIdentity(ground(), undefined, {})).toThrow(/^identity\.issuer: expected the issuer whose tokens callers must bring, got undefined$/)
  })

  it('cannot be by TLS without certificates', () => {
    expect(() => callerIdentity(ground(), 'required', {})).toThrow(/^tls: expected 'off', unless createMesh was given tls, got "required"$/)
  })

  it('cannot be by proofs of tokens where certificates alone are known', () => {
    const secured = ground({ tls: { identity: certificates, mode: 'required' } })
    expect(callerIdentity(secured, undefined, {})).toHaveLength(2)
    expect(() => callerIdentity(secured, undefined, { proof: 'required' })).toThrow(/^proof: expected 'optional', since callers bring no tokens where there is no issuer, got "required"$/)
  })
})
