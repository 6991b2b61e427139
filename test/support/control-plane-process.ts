import { start, type Program } from './processes.js'

/** The control plane of `sidecarless dev` in a process of its own, which can die and come back. */
export class ControlPlaneProcess {
  readonly url: string
  readonly #args: readonly string[]
  #program: Program

  private constructor(url: string, program: Program, args: readonly string[]) {
    this.url = url
    this.#program = program
    this.#args = args
  }

  static async start(...args: readonly string[]): Promise<ControlPlaneProcess> {
    const { program, url } = await run(0, args)
    return new ControlPlaneProcess(url, program, args)
  }

  /** Fulfils when it is gone, without a goodbye. */
  async kill(): Promise<void> {
    this.#program.kill('SIGKILL')
    await this.#program.ended
  }

  /** Starts it anew at its old address. Without `--state` it kept everything in memory, and so knows nothing any more. */
  async restart(): Promise<void> {
    this.#program = (await run(Number(new URL(this.url).port), this.#args)).program
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

async function run(port: number, args: readonly string[]): Promise<{ program: Program; url: string }> {
  const program = start('src/cli.ts', ['dev', '--no-otlp', '--port', String(port), ...args], { MESH_CLIENT_SECRET: 'hush' })
  const [, url] = await program.says(/control plane on ([^\s,]+)/)
  return { program, url: url! }
}
