import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

export const root = resolve(import.meta.dirname, '../..')

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly exports: Readonly<Record<string, unknown>>
}

export const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest

/** A folder of somebody who has installed the packed package. */
export interface Installation {
  readonly folder: string
  write(name: string, text: string): void
  /** Runs a program there to its good end and gives what it printed. */
  run(command: string, ...args: string[]): Promise<string>
  remove(): void
}

/**
 * Packs the package and lets npm install it into an empty folder. That needs no network: its run-time dependencies, and no
 * others, lie there already. What a user's own code needs is linked in afterwards, out of the package's sight.
 */
export async function install(): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'sidecarless-'))
  const own = (name: string): string => join(root, 'node_modules', name)
  const its = (name: string): string => join(folder, 'node_modules', name)
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  const run = async (command: string, ...args: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(command, args, { cwd: folder })
    return stdout
  }

  for (const name of Object.keys(manifest.dependencies)) cpSync(own(name), its(name), { recursive: true })
  write('package.json', JSON.stringify({ private: true, type: 'module' }))
  const packing = promisify(execFile)('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root })
  const [{ filename }] = JSON.parse((await packing).stdout) as [{ filename: string }]
  await run('npm', 'install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', `./${filename}`)

  for (const name of ['express', 'fastify', 'typescript', '@types/node', '@types/express']) {
    mkdirSync(dirname(its(name)), { recursive: true })
    symlinkSync(own(name), its(name))
  }
  return { folder, write, run, remove: () => rmSync(folder, { recursive: true }) }
}
