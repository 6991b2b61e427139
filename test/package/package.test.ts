import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { version } from '../../src/base/version.js'
import { call, consumer } from './consumer.js'
import { install, manifest, root, type Installation } from './installation.js'

const doors = Object.keys(manifest.exports).filter((door) => door !== './package.json')
const packageName = (door: string): string => door.replace('.', 'sidecarless')

/** The README's TypeScript, by the file names that stand in its first lines. */
const readmeFiles = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/^```ts\n\/\/ (\S+\.ts)\n([^]*?)^```$/gm)].map(
  ([, name, code]) => ({ name: name!, code: code! }),
)

const compilerOptions = { strict: true, noEmit: true, target: 'ES2022', lib: ['ES2023', 'ESNext.Disposable'], types: ['node'], skipLibCheck: true }

// Where the whole suite must run, the package is built before.
describe.skipIf(!existsSync(join(root, 'dist/index.js')) && process.env['CI'] === undefined)('the installed package', () => {
  let installation: Installation
  beforeAll(async () => {
    installation = await install()
  })
  afterAll(() => installation?.remove())

  it.each(doors)('exports from door %s, imported and required, what its source exports', async (door) => {
    const source = (await import(join(root, 'src', door === '.' ? 'index.ts' : `${door}.ts`))) as object
    const names = Object.keys(source).sort()
    const imported = await installation.run(
      process.execPath,
      '--input-type=module',
      '-e',
      `console.log(JSON.stringify(Object.keys(await import('${packageName(door)}')).sort()))`,
    )
    const required = await installation.run(
      process.execPath,
      '--input-type=commonjs',
      '-e',
      `console.log(JSON.stringify(Object.keys(require('${packageName(door)}')).sort()))`,
    )
    expect([JSON.parse(imported), JSON.parse(required)]).toEqual([names, names])
  })

  it.each([
    ['module', "import { createServer } from 'node:http'; import { createMesh, fixed } from 'sidecarless'; import { createControlPlane } from 'sidecarless/testing'"],
    ['commonjs', "const { createServer } = require('node:http'); const { createMesh, fixed } = require('sidecarless'); const { createControlPlane } = require('sidecarless/testing')"],
  ])('carries a call from a %s, is disposed of, and lets its process end', async (type, load) => {
    expect(await installation.run(process.execPath, `--input-type=${type}`, '-e', call(load))).toBe('3 parts\n3 parts\n')
  })

  it('knows the errors of its other copy in the same process', async () => {
    const told = await installation.run(
      process.execPath,
      '--input-type=module',
      '-e',
      `import { createRequire } from 'node:module'
       import { isMeshError, MeshError } from 'sidecarless'
       const other = createRequire(import.meta.url)('sidecarless')
       const error = new other.MeshError('MESH_ERR_CLOSED', 'closed')
       console.log(error instanceof MeshError, isMeshError(error, 'MESH_ERR_CLOSED'), isMeshError(new Error('x', { cause: error })))`,
    )
    expect(told).toBe('false true true\n')
  })

  it("brings a command that runs by its name", async () => {
    const sidecarless = join(installation.folder, 'node_modules/.bin/sidecarless')
    expect(await installation.run(sidecarless, '--help')).toContain('sidecarless dev')
    expect(await installation.run(sidecarless, '--version')).toBe(`${version}\n`)
  })

  it.each([
    ['NodeNext', 'NodeNext'],
    ['ESNext', 'Bundler'],
  ])('is typed for module %s with resolution %s: the README, every door, peers and disposal', async (module, moduleResolution) => {
    expect(readmeFiles.map(({ name }) => name)).toEqual(expect.arrayContaining(['users.ts', 'orders.ts']))
    const files = [...readmeFiles, { name: 'consumer.ts', code: consumer }]
    for (const { name, code } of files) installation.write(name, code)
    installation.write(
      'tsconfig.json',
      JSON.stringify({ compilerOptions: { ...compilerOptions, module, moduleResolution }, files: files.map(({ name }) => name) }),
    )
    const errors = await installation.run(process.execPath, 'node_modules/typescript/bin/tsc', '-p', '.').catch((error: { stdout: string }) => error.stdout)
    expect(errors).toBe('')
  })

  it('says nothing in its declarations of what it is built on, but for Node, undici and the frameworks', () => {
    const dist = join(installation.folder, 'node_modules/sidecarless/dist')
    const declarations = readdirSync(dist).filter((name) => /\.d\.c?ts$/.test(name))
    const imported = declarations.flatMap((name) =>
      [...readFileSync(join(dist, name), 'utf8').matchAll(/(?:\bfrom|\bimport|\bmodule|\bimport\()\s*['"]([^'"]+)['"]/g)].map((match) => match[1]!),
    )
    expect(declarations.length).toBeGreaterThan(doors.length)
    expect([...new Set(imported)].filter((name) => !/^(?:node:|\.\/|undici$|fastify$)/.test(name))).toEqual([])
  })
})
