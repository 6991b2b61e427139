import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'

const INSTALLED = spawnSync('etcd', ['--version']).error === undefined

/** Tests against a real etcd: left out where none is installed, but never in CI. */
const isLeftOut = !INSTALLED && process.env['CI'] === undefined
export const describeWithEtcd = describe.skipIf(isLeftOut)
export const itWithEtcd = it.skipIf(isLeftOut)

/** The part of the answers that tests read. */
export interface EtcdAnswer {
  readonly header: { readonly revision: string; readonly member_id: string }
  readonly kvs?: readonly { readonly key: string; readonly value: string; readonly lease?: string }[]
  readonly leases?: readonly { readonly ID: string }[]
  readonly token?: string
  readonly leader?: string
}

interface Member {
  readonly url: string
  readonly args: readonly string[]
  process: ChildProcess | undefined
}

export interface EtcdStart {
  readonly members?: number
  readonly flags?: readonly string[]
  /** Flags for the client port, which then is `https:`. */
  readonly tls?: readonly string[]
}

/** A real etcd of one or more members, on free ports and in a folder of its own. */
export class Etcd {
  readonly #members: readonly Member[]
  readonly #folder: string

  private constructor(members: readonly Member[], folder: string) {
    this.#members = members
    this.#folder = folder
  }

  /** Fulfils when every member answers; over TLS as soon as it runs. */
  static async start({ members = 1, flags = [], tls = [] }: EtcdStart = {}): Promise<Etcd> {
    if (!INSTALLED) throw new Error('etcd is not installed: it is in the package etcd-server')
    const folder = await mkdtemp(join(tmpdir(), 'etcd-test-'))
    const ports = await freePorts(2 * members)
    const names = Array.from({ length: members }, (_, i) => `n${i}`)
    const peer = (i: number): string => `http://127.0.0.1:${ports[2 * i]}`
    const cluster = names.map((name, i) => `${name}=${peer(i)}`).join(',')
    const etcd = new Etcd(
      names.map((name, i) => {
        const url = `${tls.length > 0 ? 'https' : 'http'}://127.0.0.1:${ports[2 * i + 1]}`
        const own = ['--name', name, '--data-dir', join(folder, name), '--log-level', 'fatal']
        const client = ['--listen-client-urls', url, '--advertise-client-urls', url, ...tls]
        const peers = ['--listen-peer-urls', peer(i), '--initial-advertise-peer-urls', peer(i), '--initial-cluster', cluster]
        return { url, args: [...own, ...client, ...peers, ...flags], process: undefined }
      }),
      folder,
    )
    for (let i = 0; i < members; i++) etcd.startMember(i)
    if (tls.length === 0) for (let i = 0; i < members; i++) await etcd.#untilUp(i)
    return etcd
  }

  get endpoints(): string[] {
    return this.#members.map(({ url }) => url)
  }

  /** Starts a member that was stopped, with the state that it had. */
  startMember(i: number): void {
    const member = this.#members[i]!
    member.process = spawn('etcd', member.args, { stdio: 'ignore' })
  }

  signalMember(i: number, signal: NodeJS.Signals): void {
    this.#members[i]!.process?.kill(signal)
  }

  async stopMember(i: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { process: child } = this.#members[i]!
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  /** Stops a member and takes its state away. */
  async eraseMember(i: number): Promise<void> {
    await this.stopMember(i)
    await rm(join(this.#folder, `n${i}`), { recursive: true })
  }

  async close(): Promise<void> {
    await Promise.all(this.#members.map((_, i) => this.stopMember(i)))
    await rm(this.#folder, { recursive: true, force: true })
  }

  /** Which member leads; all must be up. */
  async leader(): Promise<number> {
    const { leader } = await this.post('/maintenance/status', {})
    for (let i = 0; i < this.#members.length; i++) {
      const { header } = await this.post('/maintenance/status', {}, i)
      if (header.member_id === leader) return i
    }
    throw new Error('no member leads')
  }

  async post(path: string, body: object, member = 0): Promise<EtcdAnswer> {
    const answer = await fetch(`${this.#members[member]!.url}/v3${path}`, { method: 'POST', body: JSON.stringify(body) })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${path}: ${text}`)
    return JSON.parse(text) as EtcdAnswer
  }

  /** Writes an object as JSON, and text as it is. */
  async put(key: string, value: unknown, member = 0): Promise<number> {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    const { header } = await this.post('/kv/put', { key: base64(key), value: base64(text) }, member)
    return Number(header.revision)
  }

  async delete(key: string): Promise<void> {
    await this.post('/kv/deleterange', { key: base64(key) })
  }

  /** All keys and values, as text. */
  async all(member = 0): Promise<Record<string, string>> {
    const { kvs = [] } = await this.post('/kv/range', { key: 'AA==', range_end: 'AA==' }, member)
    return Object.fromEntries(kvs.map(({ key, value }) => [text(key), text(value)]))
  }

  async leases(): Promise<string[]> {
    const { leases = [] } = await this.post('/lease/leases', {})
    return leases.map(({ ID }) => ID)
  }

  async #untilUp(i: number): Promise<void> {
    const member = this.#members[i]!
    for (let tries = 0; ; tries++) {
      try {
        return void (await this.post('/kv/range', { key: 'AA==' }, i))
      } catch (error) {
        if (tries > 150 || member.process?.exitCode !== null) throw new Error(`etcd does not start: ${String(error)}`)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function text(base64: string): string {
  return Buffer.from(base64, 'base64').toString()
}
