import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Finished } from '../control-plane/outside.js'

const CLI = resolve(import.meta.dirname, '../../dist/cli.js')

// What the shell of whoever runs the tests says must not decide them.
const NEUTRAL = { MESH_CONTROL_PLANE: '', CONSUL_HTTP_ADDR: '', MESH_CLIENT_SECRET: '', NO_COLOR: '' }

export interface CommandOptions {
  readonly env?: NodeJS.ProcessEnv
  /** What standard input holds. Default nothing. */
  readonly input?: string
}

/** The command as it is installed, in a process of its own, to its end. */
export function sidecarless(args: readonly string[], { env = {}, input = '' }: CommandOptions = {}): Promise<Finished> {
  const { child, finished } = started(args, env)
  child.stdin!.on('error', () => {}).end(input)
  return finished
}

/** The same, while it runs. */
export function started(args: readonly string[], env: NodeJS.ProcessEnv = {}): { readonly child: ChildProcess; readonly finished: Promise<Finished> } {
  return launched(process.execPath, [builtCommand(), ...args], env)
}

/** The same on a terminal of this size, which is what `script` makes; what is written to standard input is typed there. */
export function onTerminal(args: readonly string[], { columns, rows }: { readonly columns: number; readonly rows: number }, env: NodeJS.ProcessEnv = {}) {
  const line = [process.execPath, builtCommand(), ...args].map((word) => `'${word}'`).join(' ')
  return launched('script', ['-qfec', `stty cols ${columns} rows ${rows}; exec ${line}`, '/dev/null'], { TERM: 'xterm-256color', ...env })
}

function builtCommand(): string {
  if (!existsSync(CLI)) throw new Error('build it first: npm run build:js')
  return CLI
}

function launched(command: string, args: readonly string[], env: NodeJS.ProcessEnv): { readonly child: ChildProcess; readonly finished: Promise<Finished> } {
  const child = spawn(command, args, { env: { ...process.env, ...NEUTRAL, ...env }, stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await finished
  })
  return { child, finished }
}

/** Fulfils when what a process has printed so far matches. */
export async function printed({ child, finished }: ReturnType<typeof started>, pattern: RegExp): Promise<string> {
  let text = ''
  const seen = new Promise<string>((resolve) => {
    child.stdout!.on('data', (chunk: string) => {
      text += chunk
      if (pattern.test(text)) resolve(text)
    })
  })
  const ended = finished.then(({ code, stderr }): never => {
    throw new Error(`ended with ${code} before it printed ${String(pattern)}: ${stderr}\n${text}`)
  })
  ended.catch(() => {})
  return Promise.race([seen, ended])
}
