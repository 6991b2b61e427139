import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
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

  it('Y06 three copies in one process share nothing, and know each other\'s errors', async () => {
    // The packed package once more, as a dependency's own dependency is.
    const copy = join(installation.folder, 'node_modules/other/node_modules/sidecarless')
    cpSync(join(installation.folder, 'node_modules/sidecarless'), copy, { recursive: true })
    const told = await evaluate(
      'module',
      `import { createRequire } from 'node:module'
       import { createServer } from 'node:http'
       import * as esm from 'sidecarless'
       const require = createRequire(import.meta.url)
       const copies = [esm, require('sidecarless'), require('${copy}')]
       const matches = copies.map(({ MeshError }) => {
         const error = new Error('outer', { cause: new MeshError('MESH_ERR_CLOSED', 'closed') })
         return copies.map(({ isMeshError }) => isMeshError(error, 'MESH_ERR_CLOSED') && !isMeshError(error, 'MESH_ERR_LIMIT'))
       })
       const server = createServer((request, response) => response.end('Ada')).listen(0, '127.0.0.1', async () => {
         const users = '127.0.0.1:' + server.address().port
         const meshes = copies.map(({ createMesh, fixed }) => createMesh({ service: 'orders', registry: fixed({ users: [users] }), admin: { port: 0 } }))
         for (const [i, mesh] of meshes.entries()) for (let calls = 0; calls <= i; calls++) await (await mesh.fetch('http://users/')).text()
         const counts = meshes.map((mesh) => Number(/mesh_calls_total.* (\\d+)/.exec(mesh.metrics())[1]))
         await meshes[0].close()
         const after = await (await meshes[2].fetch('http://users/')).text()
         console.log(JSON.stringify({ distinct: new Set(copies.map(({ MeshError }) => MeshError)).size, matches, counts, after }))
         await Promise.all(meshes.map((mesh) => mesh.close()))
         server.close()
       })`,
    )
    expect(JSON.parse(told)).toEqual({ distinct: 3, matches: [1, 2, 3].map(() => [true, true, true]), counts: [1, 2, 3], after: 'Ada' })
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
