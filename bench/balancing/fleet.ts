import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import type { Helper } from './helper.js'
import type { Address, Issuer, Rule } from './rule.js'
import type { ServerShape } from './server.js'

/** Parts of the time of a restart in which a server is not listed but serves, and in which it is gone. */
const LEAVING_RATIO = 0.45
const GONE_RATIO = 0.3

/** The servers, each a process, and the list of them that a registry would keep. */
export class Fleet {
  readonly #servers: readonly Helper[]
  readonly #addresses: readonly Address[]
  readonly #issuer: Issuer
  #listed: readonly Address[]
  #tell: (listed: readonly Address[]) => Promise<void> = async () => {}

  private constructor(servers: readonly Helper[], addresses: readonly Address[], issuer: Issuer) {
    this.#servers = servers
    this.#addresses = addresses
    this.#listed = addresses
    this.#issuer = issuer
  }

  static async open(servers: readonly Helper[], issuer: Issuer): Promise<Fleet> {
    const addresses = servers.map(async (server, i) => ({
      port: (await server.ask('open')) as number,
      node: { id: `server-${i}`, port: await freePort() },
    }))
    return new Fleet(servers, await Promise.all(addresses), issuer)
  }

  get addresses(): readonly Address[] {
    return this.#addresses
  }

  /** Makes the servers what a play wants them to be, and tells of who is listed to `tell`. */
  async become(speeds: readonly number[], slots: number, { doors = {} }: Rule, tell: (listed: readonly Address[]) => Promise<void>): Promise<void> {
    this.#listed = this.#addresses
    this.#tell = tell
    const shapes = speeds.map((speed, i): ServerShape => ({ slots, speed, doors, node: this.#addresses[i]!.node, issuer: this.#issuer }))
    await Promise.all(shapes.map((shape, i) => this.#servers[i]!.ask('become', shape)))
  }

  stop(server: number): void {
    this.#servers[server]!.signal('SIGSTOP')
  }

  resume(server: number): void {
    this.#servers[server]!.signal('SIGCONT')
  }

  async fail(server: number, whether: boolean): Promise<void> {
    await this.#servers[server]!.ask('fail', whether)
  }

  /** The server leaves the list, then its port closes; it comes back cold and is listed again. */
  async restart(server: number, durationMs: number): Promise<void> {
    const [address, helper] = [this.#addresses[server]!, this.#servers[server]!]
    await helper.ask('leave')
    await this.#list(this.#listed.filter((listed) => listed !== address))
    await pause(durationMs * LEAVING_RATIO)
    await helper.ask('close')
    await pause(durationMs * GONE_RATIO)
    await helper.ask('reopen')
    await this.#list([...this.#listed, address])
  }

  async #list(listed: readonly Address[]): Promise<void> {
    this.#listed = listed
    await this.#tell(listed)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
