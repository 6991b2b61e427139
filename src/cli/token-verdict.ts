import { createIssuerKeys } from '../auth/keys.js'
import { readTokenHeader, TokenError } from '../auth/token-gate.js'
import { createVerifier, verifySignature } from '../auth/verifier.js'
import { createHttpClient } from '../base/http.js'
import type { World } from './command.js'
import type { TokenParts } from './token-words.js'

/** What a service that trusts the issuer would say of a token; `verified` is null when that could not be found out. */
export interface Verdict {
  readonly verified: boolean | null
  readonly reason: string
}

/** Whose word counts, and who is to take the token. */
export interface Judge {
  readonly issuer: string
  /** Undefined: whom the token names. */
  readonly audience: string | undefined
}

export const ISSUER_TIMEOUT_MS = 5_000

/** Judges a token as the inbound side of a mesh does. Only the issuer that was named is asked, whatever the token says. */
export async function verdictOn(token: string, { claims }: TokenParts, { issuer, audience }: Judge, { clock, random }: World): Promise<Verdict> {
  const http = createHttpClient(clock)
  try {
    const header = readTokenHeader(token)
    if (claims['iss'] !== issuer) {
      return { verified: null, reason: `its issuer is not ${issuer}, and no other is asked; --issuer <url> names the one that you trust` }
    }
    const keys = createIssuerKeys({ issuer, http, timeoutMs: ISSUER_TIMEOUT_MS, jwksUrl: undefined, clock, random })
    const key = await keys.find(header.kid)
    if (key === undefined) return { verified: false, reason: `${issuer} has no key with the id that it names: it was made by somebody else, or before the issuer began anew` }
    await verifySignature(token, header, key)
    const named = audience ?? firstOf(claims['aud'])
    if (named === undefined) return { verified: false, reason: 'its signature is good, but it is for nobody' }
    return await verdictOfClaims(token, named, { issuer, keys, clock })
  } catch (error) {
    if (error instanceof TokenError) return { verified: false, reason: error.message }
    return { verified: null, reason: error instanceof Error ? error.message : String(error) }
  } finally {
    await http.close()
  }
}

async function verdictOfClaims(token: string, audience: string, rules: Pick<Parameters<typeof createVerifier>[0], 'issuer' | 'keys' | 'clock'>): Promise<Verdict> {
  try {
    const { service } = await createVerifier({ ...rules, audience }).verify(token)
    return { verified: true, reason: `${rules.issuer} signed it, and ${audience} takes whoever brings it for ${service}` }
  } catch (error) {
    if (!(error instanceof TokenError)) throw error
    return { verified: false, reason: `its signature is good, but ${error.message}` }
  }
}

function firstOf(aud: unknown): string | undefined {
  const first: unknown = Array.isArray(aud) ? aud[0] : aud
  return typeof first === 'string' ? first : undefined
}
