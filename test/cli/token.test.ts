import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createControlPlane, type ControlPlane } from '../../src/control-plane/control-plane.js'
import { exchange } from '../control-plane/running.js'
import { sidecarless } from './command.js'

const MINT = ['token', 'mint', '--service', 'orders', '--audience', 'users']
const SECRET = { MESH_CLIENT_SECRET: 'hush' }

let issuer: ControlPlane
let token: string

beforeAll(async () => {
  issuer = await createControlPlane({ port: 0, clientSecret: 'hush', audiences: { guest: ['orders'] } })
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const body = 'grant_type=client_credentials&audience=users&client_id=orders&client_secret=hush'
  const answer = await exchange(`${issuer.url}/oauth2/token`, { method: 'POST', headers, body })
  token = (JSON.parse(answer.body) as { access_token: string }).access_token
  return () => issuer.close()
})

const sidecarlessOf = (args: readonly string[], env: NodeJS.ProcessEnv = {}, input = '') => sidecarless([...args, '--issuer', issuer.url], { env, input })

const signatureIn = (jwt: string): string => jwt.split('.')[2]!

describe('sidecarless token mint', () => {
  it('prints what the token says, and not the token', async () => {
    const { code, stdout, stderr } = await sidecarlessOf(MINT, SECRET)
    expect([code, stderr]).toEqual([0, ''])
    for (const said of ['ES256', 'orders', 'users', 'the called service', 'expires in', 'characters, not shown', `yes: ${issuer.url} signed it`]) expect(stdout).toContain(said)
    expect(stdout).not.toMatch(/[\w-]{20,}\.[\w-]{20,}|hush/)
  })

  it('prints the token alone with --reveal, and what it says beside it', async () => {
    const { code, stdout, stderr } = await sidecarlessOf([...MINT, '--reveal'], SECRET)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    expect(stderr).toContain('the called service')
    expect(stderr).not.toContain(signatureIn(stdout.trim()))
  })

  it('takes the secret from a file and from standard input, and from the command line with a warning', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mesh-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    writeFileSync(join(folder, 'secret'), 'hush\n')
    const [file, piped, argument] = await Promise.all([
      sidecarlessOf([...MINT, '--json', '--secret-file', join(folder, 'secret')]),
      sidecarlessOf([...MINT, '--json', '--secret-file', '-'], {}, 'hush\n'),
      sidecarlessOf([...MINT, '--json', '--secret', 'hush']),
    ])
    for (const { stdout } of [file, piped, argument]) {
      expect(JSON.parse(stdout)).toMatchObject({ claims: { sub: 'orders', aud: 'users', iss: issuer.url }, verified: true })
      expect(JSON.parse(stdout)).not.toHaveProperty('token')
    }
    expect([file.stderr, piped.stderr]).toEqual(['', ''])
    expect(argument.stderr).toContain('Warning: a secret on the command line')
  })

  it.each([
    [MINT, {}, 2, 'the secret is missing: set MESH_CLIENT_SECRET'],
    [['token', 'mint', '--service', 'orders'], SECRET, 2, '--audience is missing'],
    [MINT, { MESH_CLIENT_SECRET: 'wrong' }, 1, "The secret is not the one that the issuer has for 'orders'"],
    [['token', 'mint', '--service', 'guest', '--audience', 'users'], SECRET, 1, "does not let 'guest' call 'users'"],
    [['token', 'make'], SECRET, 2, 'expected mint or inspect'],
  ])('%j says what is wrong', async (args, env, code, message) => {
    const ended = await sidecarlessOf(args, env)
    expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(message) })
    expect(ended.stderr).not.toContain('wrong')
  })
})

describe('sidecarless token inspect', () => {
  it('explains a token from standard input or from the command line, whatever stands before it, without its signature', async () => {
    const [piped, argument] = await Promise.all([
      sidecarlessOf(['token', 'inspect'], {}, `Authorization: Bearer ${token}\n`),
      sidecarlessOf(['token', 'inspect', token, '--json']),
    ])
    expect(piped).toMatchObject({ code: 0, stderr: '' })
    expect(piped.stdout).toContain('yes: ')
    expect(JSON.parse(argument.stdout)).toMatchObject({ verified: true, header: { alg: 'ES256' }, claims: { sub: 'orders' } })
    expect(piped.stdout + argument.stdout).not.toContain(signatureIn(token))
  })

  it('ends with 1 for what no service would take, and says why', async () => {
    const forged = `${token.slice(0, -4)}${token.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`
    const none = [Buffer.from('{"alg":"none"}'), Buffer.from('{"sub":"orders"}')].map((part) => part.toString('base64url')).join('.')
    const [bad, unsigned, elsewhere, wanted, garbage] = await Promise.all([
      sidecarlessOf(['token', 'inspect'], {}, forged),
      sidecarlessOf(['token', 'inspect'], {}, `${none}.`),
      sidecarless(['token', 'inspect', '--issuer', 'http://127.0.0.1:1'], { input: token }),
      sidecarlessOf(['token', 'inspect', '--audience', 'billing'], {}, token),
      sidecarlessOf(['token', 'inspect'], {}, 'hunter2-is-no-token'),
    ])
    expect(bad).toMatchObject({ code: 1, stdout: expect.stringContaining('no: its signature is not good') })
    expect(unsigned).toMatchObject({ code: 1, stdout: expect.stringContaining('no: it has no signature') })
    expect(elsewhere).toMatchObject({ code: 1, stdout: expect.stringContaining('not checked: its issuer is not http://127.0.0.1:1, and no other is asked') })
    expect(wanted).toMatchObject({ code: 1, stdout: expect.stringContaining('its signature is good, but it is for another audience') })
    expect(garbage).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('This is no signed token') })
    expect(garbage.stderr).not.toContain('hunter2')
  })

  it('asks nobody with --offline', async () => {
    const { code, stdout } = await sidecarless(['token', 'inspect', '--offline', '--issuer', 'http://127.0.0.1:1'], { input: token })
    expect(code).toBe(0)
    expect(stdout).toContain('not checked: nobody was asked')
  })
})
