import { decodeProtectedHeader } from 'jose'
import { expect, it, onTestFinished } from 'vitest'
import { bySecret } from '../../../src/auth/client-authentication.js'
import { createIssuerTokens } from '../../../src/auth/issuer-tokens.js'
import { createIssuerKeys } from '../../../src/auth/keys.js'
import { createVerifier } from '../../../src/auth/verifier.js'
import { createHttpClient, type HttpClient } from '../../../src/base/http.js'
import { FakeClock, settled } from '../../support/fake-clock.js'
import { running } from '../running.js'

it('K05 ten rotations, half of them on demand, and no call is refused', async () => {
  const clock = new FakeClock()
  const { controlPlane } = await running({ clients: { orders: 'hush' }, clock, keyRotationMs: 1_800_000 })
  const real = createHttpClient()
  onTestFinished(() => real.close())
  const underWay = new Set<Promise<unknown>>()
  let fetched = 0
  const request: HttpClient['request'] = (one) => {
    const answer = real.request(one)
    underWay.add(answer)
    if (one.url.endsWith('jwks.json')) fetched++
    return answer
  }
  const access = { issuer: controlPlane.url, http: { ...real, request }, timeoutMs: 60_000, clock, random: () => 1 }
  const tokens = createIssuerTokens({ ...access, authentication: bySecret('orders', 'hush'), tokenEndpoint: undefined })
  const verifier = createVerifier({ issuer: controlPlane.url, audience: 'users', keys: createIssuerKeys({ ...access, jwksUrl: undefined }), clock })

  const kids = new Set<string>()
  let refused = 0
  let seconds = 0
  for (; kids.size < 11; seconds += 20) {
    const token = await tokens.token('users')
    kids.add(decodeProtectedHeader(token).kid!)
    await Promise.resolve(verifier.verify(token)).catch(() => refused++)
    // Every other hour at another moment than the schedule's.
    if (seconds % 3_600 === 2_000) controlPlane.rotateKeys()
    await settled()
    await Promise.all(underWay)
    underWay.clear()
    await clock.advance(20_000)
    if (seconds > 86_400) throw new Error(`there were ${kids.size} keys in a day`)
  }
  expect(refused).toBe(0)
  // By age alone: no token ever came with a key that had to be asked for.
  expect(fetched).toBeLessThanOrEqual(1 + seconds / 240)
})
