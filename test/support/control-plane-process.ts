import { start, type Program } from './processes.js'

/** The control plane of `sidecarless dev` in a process of its own, which can die and come back. */
export class ControlPlaneProcess {
  readonly url: string
  #program: Program

  private constructor(url: string, program: Program) {
    this.url = url
    this.#program = program
  }

  static async start(): Promise<ControlPlaneProcess> {
    const { program, url } = await run(0)
    return new ControlPlaneProcess(url, program)
  }

  /** Fulfils when it is gone, without a goodbye. */
  async kill(): Promise<void> {
    this.#program.kill('SIGKILL')
    await this.#program.ended
  }

  /** Starts it anew at its old address. It kept everything in memory, and so knows nothing any more. */
  async restart(): Promise<void> {
    this.#program = (await run(Number(new URL(this.url).port))).program
  }

  /** Asks its Consul API. */
  async put(path: string, body?: object): Promise<void> {
    const answer = await fetch(`${this.url}/v1${path}`, { method: 'PUT', ...(body !== undefined && { body: JSON.stringify(body) }) })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  }

  /** Ids of the instances of `users`, whatever their health. */
  async listed(): Promise<string[]> {
    const answer = await fetch(`${this.url}/v1/health/service/users`)
    const entries = (await answer.json()) as { Service: { ID: string } }[]
    return entries.map(({ Service: { ID } }) => ID).sort()
  }
}

async function run(port: number): Promise<{ program: Program; url: string }> {
  const program = start('src/cli.ts', ['dev', '--no-otlp', '--port', String(port)], { MESH_CLIENT_SECRET: 'hush' })
  const [, url] = await program.says(/control plane on ([^\s,]+)/)
  return { program, url: url! }
}
