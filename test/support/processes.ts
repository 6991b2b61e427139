import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A program in a process of its own; it ends with the test at the latest. */
export interface Program {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** Fulfils as soon as the output so far matches; rejects if the program ends first. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  kill(signal: NodeJS.Signals): void
}

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))

/** Starts a TypeScript or JavaScript file of this project; with no more than so many file descriptors, if asked. */
export function start(file: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}, { descriptors }: { readonly descriptors?: number } = {}): Program {
  const command = [process.execPath, '--import', 'tsx', file, ...args]
  const limited = descriptors === undefined ? command : ['/bin/sh', '-c', `ulimit -n ${descriptors}; exec "$0" "$@"`, ...command]
  const child = spawn(limited[0]!, limited.slice(1), {
    cwd: PROJECT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  const listeners = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const listener of listeners) listener()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  return {
    pid: child.pid!,
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(stdout)
          if (match === null) return
          listeners.delete(look)
          resolve(match)
        }
        listeners.add(look)
        look()
        void ended.then(({ code }) => {
          reject(new Error(`${file} ended with code ${code} before it said ${String(pattern)}:\n${stdout}${stderr}`))
        })
      }),
    kill: (signal) => void child.kill(signal),
  }
}

/** Whether a process is still there. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
