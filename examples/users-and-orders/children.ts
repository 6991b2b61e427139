// The processes of the demo: starts them, listens to what they say, and ends every one of them.
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Child {
  readonly name: string
  readonly pid: number
  isRunning(): boolean
  /** Fulfils with the first line that the process writes; rejects if it ends without one. */
  readonly firstLine: Promise<string>
  /** Fulfils when the process has ended, with its exit code and all that it wrote. */
  readonly ended: Promise<Ended>
  /** Asks the process to end, and forces it when it takes too long. */
  stop(): Promise<Ended>
}

export interface Ended {
  /** Null when it was ended by force. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

const PROJECT = fileURLToPath(new URL('../../', import.meta.url))
const LIFELINE = new URL('./lifeline.ts', import.meta.url).href

/** How long a process may take to end by itself when it is asked to. */
const STOP_TIMEOUT_MS = 5_000

export class Children {
  readonly #running = new Set<ChildProcess>()

  /** Starts a file of this project as a process of its own. */
  start(name: string, file: string, args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Child {
    const process_ = fork(file, args, {
      cwd: PROJECT,
      env: { ...process.env, ...env },
      execArgv: ['--import', 'tsx', '--import', LIFELINE],
      // A group of its own: Ctrl-C is for the demo, which then ends its processes in order.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.#running.add(process_)
    let stdout = ''
    let stderr = ''
    process_.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    const ended = new Promise<Ended>((resolve) => {
      process_.once('close', (code) => {
        this.#running.delete(process_)
        resolve({ code, stdout, stderr })
      })
    })
    const firstLine = new Promise<string>((resolve, reject) => {
      process_.stdout!.setEncoding('utf8').on('data', (text: string) => {
        stdout += text
        if (stdout.includes('\n')) resolve(stdout.slice(0, stdout.indexOf('\n')))
      })
      void ended.then(({ code }) => reject(new Error(stderr.trim() || `${name} ended with code ${code}`)))
    })
    // Nobody need wait for it.
    firstLine.catch(() => {})
    const stop = async (): Promise<Ended> => {
      process_.kill('SIGTERM')
      const force = setTimeout(() => killGroup(process_), STOP_TIMEOUT_MS)
      await ended
      clearTimeout(force)
      return ended
    }
    return { name, pid: process_.pid!, isRunning: () => this.#running.has(process_), firstLine, ended, stop }
  }

  /** Ends whatever is left, with what it has started, at once: for when there is no time to ask. */
  kill(): void {
    for (const process_ of this.#running) killGroup(process_)
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    process.kill(-pid!, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
