// The intruder: a process on the same machine that can read the registry, but has no identity.
import { generateKeyPairSync, sign } from 'node:crypto'
import { createMesh } from 'sidecarless'
import { registry } from './registry.js'

/** One way in, how often it was tried, and what came back: `401 MESH_ERR_UNAUTHENTICATED` → how often. */
export interface Attempted {
  readonly way: string
  readonly calls: number
  readonly answers: Readonly<Record<string, number>>
}

const controlPlane = process.env.CONSUL_HTTP_ADDR ?? 'http://127.0.0.1:7117'
const CALLS = 20

// Without `identity` the mesh finds services like everybody else, and signs nothing.
const mesh = createMesh({ service: 'intruder', registry: registry() })
const forged = await forgedToken()

const attempted: readonly Attempted[] = [
  await attempt('with no token', () => askUsers()),
  await attempt('with an invented token', () => askUsers('Bearer open-sesame')),
  await attempt('with a token it signed itself, as orders', () => askUsers(`Bearer ${forged}`)),
  await attempt('for a token, with a guessed secret', () => askForToken('guess')),
]
console.log(JSON.stringify(attempted))
await mesh.close()

async function attempt(way: string, ask: () => Promise<string>): Promise<Attempted> {
  const answers: Record<string, number> = {}
  for (let i = 0; i < CALLS; i++) {
    const answer = await ask()
    answers[answer] = (answers[answer] ?? 0) + 1
  }
  return { way, calls: CALLS, answers }
}

async function askUsers(authorization?: string): Promise<string> {
  const reply = await mesh.service('users').get('/users/1', { headers: authorization === undefined ? {} : { authorization } })
  const { code } = (await reply.json()) as { code?: string }
  return `${reply.status} ${code ?? 'answered'}`
}

async function askForToken(secret: string): Promise<string> {
  const authorization = `Basic ${Buffer.from(`orders:${secret}`).toString('base64')}`
  const body = new URLSearchParams({ grant_type: 'client_credentials', audience: 'users' })
  const response = await fetch(`${controlPlane}/oauth2/token`, { method: 'POST', headers: { authorization }, body })
  const { error } = (await response.json()) as { error?: string }
  return `${response.status} ${error ?? 'answered'}`
}

/** Says all the right things, under the id of the real key; only the signature is its own. */
async function forgedToken(): Promise<string> {
  const { keys } = (await (await fetch(`${controlPlane}/.well-known/jwks.json`)).json()) as { keys: [{ kid: string }] }
  const now = Math.floor(Date.now() / 1000)
  const header = { alg: 'ES256', typ: 'at+jwt', kid: keys[0].kid }
  const claims = { iss: controlPlane, sub: 'orders', client_id: 'orders', aud: 'users', iat: now, exp: now + 300, jti: 'forged' }
  const text = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}
