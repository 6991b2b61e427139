import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { memory } from '../../src/discovery/memory.js'
import type { IdentityOptions } from '../../src/identity-options.js'
import { createMesh } from '../../src/mesh.js'
import { publicJwkOf } from '../../src/auth/signing-key.js'
import { RawSigner } from '../support/raw-token.js'
import { ScriptedIssuer } from '../support/scripted-issuer.js'
import { Peer } from '../compat/peer.js'

const closers: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** What the issuer was asked when a mesh with this identity called two services, and what these were shown. */
async function calling(identity: (issuer: ScriptedIssuer) => IdentityOptions): Promise<{ forms: Record<string, string>[]; shown: unknown[]; issuer: ScriptedIssuer }> {
  const issuer = await ScriptedIssuer.start()
  const peer = await Peer.start()
  let minted = 0
  issuer.json('/token', () => ({ access_token: `token-${++minted}`, token_type: 'Bearer', expires_in: 300 }))
  const registry = memory()
  registry.set('users', [peer.address])
  registry.set('billing', [peer.address])
  const mesh = createMesh({ service: 'orders', registry, identity: identity(issuer) })
  closers.push(() => issuer.close(), () => peer.close(), () => mesh.close())
  for (const host of ['users', 'billing', 'users']) await (await mesh.fetch(`http://${host}/`)).text()
  const forms = issuer.asked.filter(({ path }) => path === '/token').map(({ body }) => Object.fromEntries(new URLSearchParams(body)))
  return { forms, shown: peer.tokens, issuer }
}

describe('client authentication', () => {
  it('O05 by a key: a fresh assertion for each request, short, for the issuer alone, which only that key can have signed', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const clientKey = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    const { forms, shown, issuer } = await calling(({ url }) => ({ issuer: url, clientKey }))
    expect(shown).toEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-1'])
    expect(forms.map(({ audience }) => audience)).toEqual(['users', 'billing'])
    expect(forms[0]).toMatchObject({
      grant_type: 'client_credentials',
      client_id: 'orders',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    })
    const keys = createLocalJWKSet({ keys: [publicJwkOf(privateKey)] })
    const read = forms.map(({ client_assertion: jwt }) => jwtVerify(jwt!, keys, { issuer: 'orders', subject: 'orders', audience: issuer.url, typ: 'client-authentication+jwt' }))
    const [one, two] = (await Promise.all(read)).map(({ payload }) => payload)
    expect(one!.aud).toBe(issuer.url)
    expect(one!.exp! - one!.iat!).toBe(60)
    expect(one!.jti).not.toBe(two!.jti)
  })

  it('by a token file: the file, read anew, is exchanged for a token of the called service and goes nowhere else', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'exchange-'))
    closers.push(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'token')
    const { forms, shown } = await calling(({ url }) => {
      const now = Math.floor(Date.now() / 1000)
      writeFileSync(path, new RawSigner().token({ sub: 'system:serviceaccount:shop:orders', aud: [url], iat: now, exp: now + 600 }))
      return { issuer: url, clientTokenFile: path }
    })
    expect(forms[0]).toMatchObject({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      client_id: 'orders',
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      audience: 'users',
    })
    expect(decodeJwt(forms[0]!.subject_token!).sub).toBe('system:serviceaccount:shop:orders')
    expect(shown).toEqual(['Bearer token-1', 'Bearer token-2', 'Bearer token-1'])
  })

  it('by a token file that is for somebody else than the issuer: nothing is sent to it, and the call fails', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'exchange-'))
    closers.push(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'token')
    writeFileSync(path, new RawSigner().token({ sub: 'orders', aud: 'https://kubernetes.default.svc', iat: 1, exp: 4e9 }))
    const asked: string[] = []
    const identity = (issuer: ScriptedIssuer): IdentityOptions => {
      issuer.answers.set('/token', () => void asked.push('token'))
      return { issuer: issuer.url, clientTokenFile: path }
    }
    await expect(calling(identity)).rejects.toMatchObject({ code: 'MESH_ERR_IDENTITY' })
    expect(asked).toEqual([])
  })
})
