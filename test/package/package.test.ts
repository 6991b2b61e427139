import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { version } from '../../src/base/version.js'
import { call, consumer } from './consumer.js'
import { install, manifest, root, type Installation } from './installation.js'

const doors = Object.keys(manifest.exports).filter((door) => door !== './package.json')

/** The README's TypeScript, by the file names that stand in its first lines. */
const readmeFiles = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```ts\n\/\/ (\S+\.ts)\n([^]*?)^```$/gm)].map(
  ([, name, code]) => ({ name: name!, code: code! }),
)

const compilerOptions = {
  strict: true,
  noEmit: true,
  target: 'ES2022',
  lib: ['ES2023', 'ESNext.Disposable'],
  types: ['node'],
  skipLibCheck: false,
}

// `npm test` builds it first, declarations and all; where the whole suite must run, that is no choice.
describe.skipIf(!existsSync(join(root, 'dist/index.d.ts')) && process.env['CI'] === undefined)('the installed package', () => {
  let installation: Installation
  beforeAll(async () => {
    installation = await install()
  })
  afterAll(() => installation?.remove())

  const evaluate = (type: string, code: string): Promise<string> =>
    installation.run(process.execPath, `--input-type=${type}`, '-e', code)

  it.each(doors)('exports from door %s, imported and required, what its source exports', async (door) => {
    const source = (await import(join(root, 'src', door === '.' ? 'index.ts' : `${door}.ts`))) as object
    const name = door.replace('.', 'sidecarless')
    const imported = await evaluate('module', `console.log(Object.keys(await import('${name}')).sort().join())`)
    const required = await evaluate('commonjs', `console.log(Object.keys(require('${name}')).sort().join())`)
    const exported = `${Object.keys(source).sort().join()}\n`
    expect([imported, required]).toEqual([exported, exported])
  })

  it.each([
    ['module', (names: string, from: string) => `import { ${names} } from '${from}';`],
    ['commonjs', (names: string, from: string) => `const { ${names} } = require('${from}');`],
  ])('carries a call from a %s, is disposed of, and lets its process end', async (type, load) => {
    const loads = [
      load('createServer', 'node:http'),
      load('createMesh, fixed', 'sidecarless'),
      load('createControlPlane', 'sidecarless/testing'),
    ]
    expect(await evaluate(type, call(loads.join('')))).toBe('3 parts\n3 parts\n')
  })

  it('knows the errors of its other copy in the same process', async () => {
    const told = await evaluate(
      'module',
      `import { createRequire } from 'node:module'
       import { isMeshError, MeshError } from 'sidecarless'
       const other = createRequire(import.meta.url)('sidecarless')
       const error = new other.MeshError('MESH_ERR_CLOSED', 'closed')
       const wrapped = new Error('outer', { cause: error })
       console.log(error instanceof MeshError, isMeshError(error, 'MESH_ERR_CLOSED'), isMeshError(wrapped))`,
    )
    expect(told).toBe('false true true\n')
  })

  it('brings a command that runs by its name', async () => {
    const sidecarless = join(installation.folder, 'node_modules/.bin/sidecarless')
    expect(await installation.run(sidecarless, '--help')).toContain('sidecarless dev')
    expect(await installation.run(sidecarless, '--version')).toBe(`${version}\n`)
  })

  it.each([
    ['NodeNext', 'NodeNext'],
    ['ESNext', 'Bundler'],
  ])('is typed for %s with resolution %s: the README, every door, peers and disposal', async (module, moduleResolution) => {
    expect(readmeFiles.map(({ name }) => name)).toEqual(expect.arrayContaining(['users.ts', 'orders.ts']))
    const files = [...readmeFiles, { name: 'consumer.ts', code: consumer }]
    for (const { name, code } of files) installation.write(name, code)
    const project = { compilerOptions: { ...compilerOptions, module, moduleResolution }, files: files.map(({ name }) => name) }
    installation.write('tsconfig.json', JSON.stringify(project))
    const checking = installation.run(process.execPath, 'node_modules/typescript/bin/tsc', '-p', '.')
    expect(await checking.catch((error: { stdout: string }) => error.stdout)).toBe('')
  })

  it('says nothing in its declarations of what it is built on, but for Node, undici and the frameworks', () => {
    const dist = join(installation.folder, 'node_modules/sidecarless/dist')
    const declarations = readdirSync(dist).filter((name) => /\.d\.c?ts$/.test(name))
    const text = declarations.map((name) => readFileSync(join(dist, name), 'utf8')).join('\n')
    const imported = [...text.matchAll(/\b(?:from|import|module|import\()\s*['"]([^'"]+)['"]/g)].map(([, name]) => name!)
    expect(declarations.length).toBeGreaterThan(doors.length)
    expect([...new Set(imported)].filter((name) => !/^(?:node:|\.\/|undici$|fastify$)/.test(name))).toEqual([])
  })
})
