import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.js'
import { file } from '../../src/discovery/file.js'
import { formatOf, installedYaml, type LoadYaml } from '../../src/discovery/file-format.js'
import type { RawSnapshot } from '../../src/discovery/registry.js'
import { follow } from './support/follow.js'

const isInstalled = await installedYaml().then(
  () => true,
  () => false,
)
const missing: LoadYaml = () => Promise.reject(new Error("Cannot find package 'yaml'"))
const standIn: LoadYaml = async () => ({
  parse: (content) => JSON.parse(content.replace(/^services: /, '{"services":') + '}') as unknown,
})

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mesh-format-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** What is told of a file that holds this. */
async function told(name: string, content: string, loadYaml: LoadYaml): Promise<RawSnapshot | Error | undefined> {
  const path = join(folder, name)
  await writeFile(path, content)
  const users = follow(file(path, systemClock, loadYaml), 'users')
  try {
    return await users.next()
  } finally {
    await users.stop()
  }
}

describe('the format of a file', () => {
  it('is JSON, for which no package is loaded, unless its name ends otherwise', async () => {
    expect(await told('services.json', '{"services":{"users":["h:1"]}}', missing)).toMatchObject({ endpoints: ['h:1'] })
    expect(await told('services', '{"services":{"users":["h:1"]}}', missing)).toMatchObject({ endpoints: ['h:1'] })
  })

  it.each(['services.yaml', 'services.YML'])('is YAML for %s, in the same shapes', async (name) => {
    expect(await told(name, 'services: {"users":["h:1"]}', standIn)).toEqual({ revision: 1, endpoints: ['h:1'], policy: {} })
    expect(await told(name, 'services: {"Users":[]}', standIn)).toMatchObject({
      message: expect.stringContaining('services: expected a service name'),
    })
    expect(await told(name, '', standIn)).toMatchObject({
      message: expect.stringContaining('a list of services as YAML, got an empty file'),
    })
  })

  it('says which package is missing and how to get it', async () => {
    await expect(told('services.yaml', '', missing)).rejects.toMatchObject({
      code: 'MESH_ERR_OPTION',
      message: expect.stringMatching(/^file\.path: .*services\.yaml needs the package 'yaml': npm install yaml$/),
    })
  })

  it.each([
    ['services.json', 16_777_216],
    ['services.yaml', 1_048_576],
  ])('R04 does not read a file that is too large: %s', async (name, maxBytes) => {
    const path = join(folder, name)
    await writeFile(path, '')
    await truncate(path, maxBytes + 1)
    const users = follow(file(path, systemClock, standIn), 'users')
    expect(await users.next()).toMatchObject({
      code: 'MESH_ERR_SNAPSHOT',
      message: `${path}: expected at most ${maxBytes} bytes, got ${maxBytes + 1}`,
    })
    await users.stop()
  })
})

describe.skipIf(!isInstalled && process.env['CI'] === undefined)('YAML read by its package', () => {
  const parse = async (content: string): Promise<unknown> => (await formatOf('services.yaml', installedYaml)).parse(content)

  it('tells what the same JSON would', async () => {
    const content = `
      services:
        users:
          - 127.0.0.1:8081 # the first
          - { host: "::1", port: 8082, metadata: { version: "1.10" } }
        mail: &quiet { endpoints: [], policy: { timeoutMs: 5 } }
        post: *quiet
    `
    expect(await told('services.yaml', content, installedYaml)).toEqual({
      revision: 1,
      endpoints: ['127.0.0.1:8081', { host: '::1', port: 8082, metadata: { version: '1.10' } }],
      policy: {},
    })
    expect(await parse(content)).toMatchObject({ services: { post: { endpoints: [], policy: { timeoutMs: 5 } } } })
  })

  it('may share one thing among hundreds of services', async () => {
    await expect(parse(`shared: &it { a: 1 }\nall: [${Array(900).fill('*it').join(',')}]`)).resolves.toBeDefined()
  })

  it('R04 refuses a small text that means a very large one', async () => {
    const levels = 'bcdefghi'.split('').map((name, i) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(',')}]`)
    await expect(parse(['a: &a [x,x,x,x,x,x,x,x,x]', ...levels].join('\n'))).rejects.toThrow('alias')
  })

  it.each([
    ['two documents', 'services: {}\n---\nservices: {}'],
    ['a name twice', 'services: {}\nservices: {}'],
    ['thousands of levels', '['.repeat(20_000)],
    ['broken text', 'services: [}'],
    ['nothing but a comment', '# later'],
    ['a list that contains itself', 'services: &it { users: [*it] , x: *it }'],
  ])('R04 tells of %s', async (_, content) => {
    expect(await told('services.yaml', content, installedYaml)).toMatchObject({ code: 'MESH_ERR_SNAPSHOT' })
  })
})
