import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { describe } from 'vitest'

/** Where it is installed; a user's own path often leaves `/usr/sbin` out. */
const PROGRAM = ['dnsmasq', '/usr/sbin/dnsmasq'].find((path) => spawnSync(path, ['--version']).error === undefined) ?? 'dnsmasq'
const INSTALLED = spawnSync(PROGRAM, ['--version']).error === undefined

/** Tests against a real name server: left out where none is installed, but never in CI. */
export const describeWithDnsmasq = INSTALLED || process.env['CI'] !== undefined ? describe : describe.skip

/** A real dnsmasq on a free port that knows `mesh.test` and refuses every other name. */
export class Dnsmasq {
  readonly server: string
  readonly #port: number
  #process: ChildProcess | undefined
  #log = ''

  private constructor(port: number) {
    this.#port = port
    this.server = `127.0.0.1:${port}`
  }

  /** Each record is an option of dnsmasq, such as `--host-record=a.mesh.test,127.0.0.1`. Fulfils when it answers. */
  static async start(...records: string[]): Promise<Dnsmasq> {
    const dnsmasq = new Dnsmasq(await freePort())
    await dnsmasq.#run(records)
    return dnsmasq
  }

  /** Every question so far, such as `SRV _users._tcp.mesh.test`. */
  get asked(): readonly string[] {
    return [...this.#log.matchAll(/ query\[(\w+)\] (\S+) /g)].map(([, type, name]) => `${type} ${name}`)
  }

  /** Answers with other records from now on, at the same address. */
  async restart(...records: string[]): Promise<void> {
    await this.stop()
    await this.#run(records)
  }

  async stop(): Promise<void> {
    const running = this.#process
    this.#process = undefined
    if (running === undefined) return
    const ended = once(running, 'close')
    running.kill('SIGTERM')
    await ended
  }

  async #run(records: readonly string[]): Promise<void> {
    const address = ['--port', String(this.#port), '--listen-address', '127.0.0.1', '--bind-interfaces']
    const own = [
      '--no-daemon',
      '--conf-file=/dev/null',
      '--pid-file=',
      '--no-resolv',
      '--no-hosts',
      '--log-queries',
      '--log-facility=-',
    ]
    const child = spawn(PROGRAM, [...own, ...address, '--local=/mesh.test/', ...records], { stdio: ['ignore', 'ignore', 'pipe'] })
    this.#process = child
    const since = this.#log.length
    await new Promise<void>((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        this.#log += text
        // It says so once its sockets are bound.
        if (this.#log.includes(' started, version ', since)) resolve()
      })
      child.once('error', reject)
      child.once('close', (code) => reject(new Error(`dnsmasq ended with ${code}: ${this.#log.slice(since)}`)))
    })
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
