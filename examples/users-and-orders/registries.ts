// The registries that the demo can run on, as the demo itself sees them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Child, Children } from './children.js'
import { ask } from './control-plane.js'

/** An instance that the registry lists. */
export interface Listed {
  readonly id: string
  readonly address: string
}

export interface DemoRegistry {
  /** What services that use it are started with. */
  readonly environment: Readonly<Record<string, string>>
  instancesOf(service: string): Promise<readonly Listed[]>
  /** A command that shows who is in it. */
  readonly look: string
  /** Its own process, where it has one. */
  readonly process: Child | undefined
}

/** The control plane's own, by Consul's HTTP API: https://developer.hashicorp.com/consul/api-docs/health */
export function consulOf(url: string): DemoRegistry {
  type Entry = { readonly Service: { readonly ID: string; readonly Address: string; readonly Port: number } }
  return {
    environment: {},
    look: `curl '${url}/v1/health/service/users?passing=true'`,
    process: undefined,
    async instancesOf(service) {
      const entries = await ask<readonly Entry[]>(`${url}/v1/health/service/${service}?passing=true`)
      return inOrder(entries.map(({ Service: { ID, Address, Port } }) => ({ id: ID, address: `${Address}:${Port}` })))
    },
  }
}

const PREFIX = '/sidecarless/services/'

/** A real etcd, by its JSON gateway, in which keys and values are base64: https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/ */
export async function startEtcd(children: Children, file: string): Promise<DemoRegistry> {
  type Answer = { readonly kvs?: readonly { readonly key: string; readonly value: string }[] }
  const folder = mkdtempSync(join(tmpdir(), 'sidecarless-demo-'))
  // Also when etcd had to be ended by force, and could not do so itself.
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }))
  const child = children.start('etcd', file, [], { FOLDER: folder })
  const greeting = await child.firstLine.catch((error: Error) => {
    throw new Error(`${error.message}\n  Without --registry etcd the demo runs on the control plane's own registry`)
  })
  const url = greeting.split(' ').at(-1)!
  return {
    environment: { REGISTRY: 'etcd', ETCDCTL_ENDPOINTS: url },
    look: `ETCDCTL_API=3 etcdctl --endpoints ${url} get --prefix ${PREFIX}`,
    process: child,
    async instancesOf(service) {
      // All keys from `users/` up to `users0`, which follows the slash.
      const range = { key: toBase64(`${PREFIX}${service}/`), range_end: toBase64(`${PREFIX}${service}0`) }
      const { kvs = [] } = await ask<Answer>(`${url}/v3/kv/range`, range)
      return inOrder(
        kvs.map(({ key, value }) => {
          const { host, port } = JSON.parse(fromBase64(value)) as { host: string; port: number }
          return { id: fromBase64(key).split('/').at(-1)!, address: `${host}:${port}` }
        }),
      )
    },
  }
}

function inOrder(listed: readonly Listed[]): readonly Listed[] {
  return [...listed].sort((a, b) => a.id.localeCompare(b.id))
}

function toBase64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function fromBase64(text: string): string {
  return Buffer.from(text, 'base64').toString()
}
