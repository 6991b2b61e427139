import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createControlPlane, type ControlPlane, type ControlPlaneOptions } from '../../src/control-plane/control-plane.js'
import { createFaultProxy, type FaultProxy } from '../../src/testing/fault-proxy.js'
import type { Calls } from './caller.js'
import type { Condition } from './condition.js'

const SECRET = 'hush'

/** An instance, and the proxy at whose address it is registered. */
export interface Member {
  readonly child: ChildProcess
  readonly proxy: FaultProxy
}

export interface CrewOptions {
  readonly instances: number
  readonly perSec: number
  /** How long the caller waits; what is left out is as in any mesh. */
  readonly patience: { readonly timeoutMs?: number; readonly attemptTimeoutMs?: number }
  readonly oldSpaceMiB: number | undefined
}

/** The processes of a soak: a caller, instances behind fault proxies, and the control plane, which lives in this one. */
export class Crew {
  readonly members: Member[] = []
  /** Processes that ended although nobody had told them to. */
  readonly lost: string[] = []
  readonly #env: NodeJS.ProcessEnv
  readonly #expected = new WeakSet<ChildProcess>()
  readonly #directory: string
  #controlPlane: ControlPlane
  #caller: ChildProcess | undefined

  private constructor(directory: string, controlPlane: ControlPlane, oldSpaceMiB: number | undefined) {
    this.#directory = directory
    this.#controlPlane = controlPlane
    this.#env = { ...process.env, CONSUL_HTTP_ADDR: controlPlane.url }
    if (oldSpaceMiB !== undefined) this.#env.NODE_OPTIONS = `--max-old-space-size=${oldSpaceMiB}`
  }

  static async start({ instances, perSec, patience, oldSpaceMiB }: CrewOptions): Promise<Crew> {
    const directory = mkdtempSync(join(tmpdir(), 'soak-'))
    const crew = new Crew(directory, await createControlPlane(controlPlaneAt(0, directory)), oldSpaceMiB)
    for (let i = 0; i < instances; i++) crew.members.push(await crew.#startMember())
    crew.#caller = crew.#fork('caller.ts', { PER_SEC: `${perSec}`, PATIENCE: JSON.stringify(patience) })
    await once(crew.#caller, 'message')
    return crew
  }

  /** Kills an instance, and starts another in its place. */
  async replace(at: number): Promise<void> {
    const { child, proxy } = this.members[at]!
    await this.#end(child)
    await proxy.close()
    this.members[at] = await this.#startMember()
  }

  /** The registry and issuer goes, and comes back at its old address; of all that it knew it has kept its keys alone. */
  async restartControlPlane(afterMs: Promise<unknown>): Promise<void> {
    const port = Number(new URL(this.#controlPlane.url).port)
    await this.#controlPlane.close()
    await afterMs
    this.#controlPlane = await createControlPlane(controlPlaneAt(port, this.#directory))
  }

  async callerReport(message: 'report' | 'stop' = 'report'): Promise<{ readonly condition: Condition; readonly calls: Calls }> {
    return ask(this.#caller!, message)
  }

  /** Of the instance that nobody kills: see `faults.ts`. */
  async instanceReport(): Promise<{ readonly condition: Condition }> {
    return ask(this.members[0]!.child, {})
  }

  /** Lets the caller end by itself; gives its last report, and whether it ended. */
  async stop(): Promise<{ readonly calls: Calls; readonly condition: Condition; readonly endedByItself: boolean }> {
    const caller = this.#caller!
    this.#expected.add(caller)
    const ended = once(caller, 'exit') as Promise<[number | null]>
    const report = await this.callerReport('stop')
    const late = setTimeout(() => caller.kill('SIGKILL'), 5_000)
    const [code] = await ended
    clearTimeout(late)
    return { ...report, endedByItself: code === 0 }
  }

  async close(): Promise<void> {
    if (this.#caller !== undefined) await this.#end(this.#caller)
    for (const { child, proxy } of this.members) {
      await this.#end(child)
      await proxy.close()
    }
    await this.#controlPlane.close()
    rmSync(this.#directory, { recursive: true })
  }

  async #startMember(): Promise<Member> {
    const child = this.#fork('instance.ts')
    const [{ port }] = (await once(child, 'message')) as [{ port: number }]
    const proxy = await createFaultProxy({ target: { host: '127.0.0.1', port } })
    const registered = once(child, 'message')
    child.send({ registerAt: proxy.port })
    await registered
    return { child, proxy }
  }

  #fork(file: string, env: NodeJS.ProcessEnv = {}): ChildProcess {
    const child = fork(fileURLToPath(new URL(file, import.meta.url)), { execArgv: ['--import', 'tsx'], env: { ...this.#env, ...env } })
    child.once('exit', (code, signal) => {
      if (!this.#expected.has(child)) this.lost.push(`${file} ended with ${code ?? signal}`)
    })
    return child
  }

  async #end(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    this.#expected.add(child)
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}

function controlPlaneAt(port: number, directory: string): ControlPlaneOptions {
  return { port, clientSecret: SECRET, stateFile: join(directory, 'issuer.json') }
}

async function ask<T>(child: ChildProcess, message: 'report' | 'stop' | object): Promise<T> {
  const settled = new AbortController()
  const { signal } = settled
  try {
    const answer = once(child, 'message', { signal })
    const end = once(child, 'exit', { signal }).then(() => Promise.reject(new Error('A process ended while it was to report')))
    // Whichever of them comes second has nobody to tell.
    answer.catch(() => {})
    end.catch(() => {})
    child.send(message)
    return ((await Promise.race([answer, end])) as [T])[0]
  } finally {
    settled.abort()
  }
}
