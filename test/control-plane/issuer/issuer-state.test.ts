import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { IssuerKeys } from '../../../src/control-plane/issuer/issuer-keys.js'
import { stateIn } from '../../../src/control-plane/issuer/issuer-state.js'
import { FakeClock } from '../../support/fake-clock.js'

let folder: string
let path: string
let clock: FakeClock
let told: string[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-'))
  path = join(folder, 'state.json')
  clock = new FakeClock()
  told = []
})
afterEach(() => rmSync(folder, { recursive: true }))

/** The keys of an issuer that is started with what the file holds. */
function open(): IssuerKeys {
  return new IssuerKeys({ ...stateIn(path), tell: ({ message }) => void told.push(message), clock, rotationMs: 3_600_000 })
}

function thrown(): unknown {
  try {
    return open()
  } catch (error) {
    return error
  }
}

const kids = (keys: IssuerKeys): (string | undefined)[] => keys.jwks.keys.map(({ kid }) => kid)

describe('the state of the issuer', () => {
  it('is made with mode 0600, whatever the umask, and holds the same keys and the same secret for the next process', () => {
    const before = process.umask(0)
    try {
      const first = open()
      expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
      expect(readdirSync(folder)).toEqual(['state.json'])
      expect(kids(open())).toEqual(kids(first))
      expect(stateIn(path).clientSecret).toBe(stateIn(path).clientSecret)
      first.rotate()
      expect((statSync(path).mode & 0o777).toString(8)).toBe('600')
      expect(kids(open())).toEqual(kids(first))
    } finally {
      process.umask(before)
    }
  })

  it('K05 a key that was published and did not sign yet waits anew after a restart, for nobody could fetch it meanwhile', async () => {
    const first = open()
    const { signsAt } = first.rotate()
    await clock.advance(900_000)
    const second = open()
    expect(second.rotate().signsAt).toBe(signsAt - 600_000 + 900_000 + 600_000)
    expect(second.signer.jwks.keys[0]!.kid).toBe(kids(first)[0])
  })

  it.each<[string, (content: string) => string, string]>([
    ['empty', () => '', 'it is not JSON'],
    ['cut short', (content) => content.slice(0, -30), 'it is not JSON'],
    ['of another shape', () => '[]', 'it is not JSON of the right shape'],
    ['of another version', (content) => content.replace('"version": 1', '"version": 2'), 'it is not of version 1'],
    ['without a secret', (content) => content.replace('clientSecret', 'secret'), 'it holds no clientSecret'],
    ['without keys', (content) => JSON.stringify({ ...(JSON.parse(content) as object), keys: [] }), 'it does not hold 1 to 16 keys'],
    ['with a member twice', (content) => content.replace('{', '{ "version": 1,'), 'it is not JSON'],
    ['with half a key', (content) => content.replace(/BEGIN PRIVATE KEY-----\\n.{20}/, 'BEGIN PRIVATE KEY-----\\n'), 'keys[0].privateKey: expected a P-256 private key'],
    ['without a time', (content) => content.replace(/"signsAt": \d+/, '"signsAt": "now"'), 'keys[0].signsAt is not a time'],
    ['too large', (content) => content + ' '.repeat(65_536), 'it is over 65536 bytes'],
  ])('that is %s is an error that says what to do and repeats nothing of it, and it stays as it is', (_, spoilt, reason) => {
    open()
    const secret = stateIn(path).clientSecret
    const content = spoilt(readFileSync(path, 'utf8'))
    writeFileSync(path, content)
    const message = `The state file ${path} cannot be used: ${reason}`
    const refused = { code: 'MESH_ERR_STATE', message: expect.stringContaining(message) as string }
    expect(thrown()).toMatchObject(refused)
    expect(thrown()).toMatchObject({ message: expect.stringContaining('removing it begins anew') as string })
    expect(thrown()).not.toMatchObject({ message: expect.stringMatching(`${secret}|MI[GH]`) as string })
    expect(readFileSync(path, 'utf8')).toBe(content)
  })

  it.each([0o644, 0o640, 0o602])('of mode %o is an error, and not made right behind your back', (mode) => {
    open()
    chmodSync(path, mode)
    expect(() => open()).toThrow(`others may read or write it (mode ${mode.toString(8)}); if nobody has, chmod 600 ${path}`)
    expect(statSync(path).mode & 0o777).toBe(mode)
  })

  it('that is a link or a folder is an error', () => {
    open()
    symlinkSync(path, join(folder, 'link'))
    expect(() => stateIn(join(folder, 'link'))).toThrow('it is a link; name the file itself')
    mkdirSync(join(folder, 'sub'))
    expect(() => stateIn(join(folder, 'sub'))).toThrow('it is no file')
  })

  it('that cannot be written stops the start, and later a rotation on demand', () => {
    expect(() => stateIn(join(folder, 'missing', 'state.json')).save([])).toThrow(expect.objectContaining({ code: 'MESH_ERR_STATE' }))
    const keys = open()
    rmSync(folder, { recursive: true })
    expect(() => keys.rotate()).toThrow(expect.objectContaining({ code: 'MESH_ERR_STATE' }))
    mkdirSync(folder)
  })

  it('that cannot be written when a rotation is due leaves the last key signing, is told, and tried again', async () => {
    const keys = open()
    const [first] = kids(keys)
    const content = readFileSync(path, 'utf8')
    writeFileSync(path, content.replace('{', '{ '))
    await clock.advance(3_600_000)
    expect(kids(keys)).toEqual([first])
    expect(kids(keys)).toEqual([first])
    expect(told).toEqual([expect.stringContaining('another process has changed it')])
    writeFileSync(path, content)
    await clock.advance(60_000)
    expect(kids(keys)).toEqual([first, expect.any(String)])
    expect(keys.signer.jwks.keys[0]!.kid).toBe(first)
  })
})
