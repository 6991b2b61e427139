import { addressFromEnvironment, consulDefaults } from '../discovery/consul.js'
import type { InstanceRow } from '../control-plane/monitor/answers.js'
import { readUrl } from './arguments.js'
import type { OptionInfo, World } from './command.js'
import { openSource, type Query, type Source, type SourceKind } from './source.js'

/** Options of every command that asks a control plane. */
export const urlOptions = {
  url: {
    type: 'string',
    value: '<url>',
    about: `control plane to ask (default: $MESH_CONTROL_PLANE, else $CONSUL_HTTP_ADDR, where services look for it too, else ${consulDefaults.address})`,
  },
  json: { type: 'boolean', about: 'print JSON for programs, with every field' },
} as const satisfies Record<string, OptionInfo>

/** The option of those that can ask a single process instead. */
export const adminOption = {
  admin: { type: 'string', value: '<url>', about: 'ask the admin listener of one process instead, such as http://127.0.0.1:7118: what it knows and does itself' },
} as const satisfies Record<string, OptionInfo>

const CONTROL_PLANE: SourceKind = {
  noun: 'control plane',
  advice: `Start one with 'sidecarless dev', or say where it is: --url http://host:port, or the variable MESH_CONTROL_PLANE.`,
}

const ADMIN: SourceKind = {
  noun: 'admin listener',
  advice: 'It is off by default: give createMesh the option admin, and its address here.',
}

/** Opens what is to be asked, for as long as the task takes. */
export async function withControlPlane<T>(given: string | undefined, { env, clock }: World, task: (source: Source) => Promise<T>): Promise<T> {
  return using(openSource(controlPlaneUrl(given, env), CONTROL_PLANE, clock), task)
}

export async function withAdmin<T>(given: string, { clock }: World, task: (source: Source) => Promise<T>): Promise<T> {
  return using(openSource(readUrl(given, '--admin'), ADMIN, clock), task)
}

/** Where the control plane is, by the option, by the environment, or by default. */
export function controlPlaneUrl(given: string | undefined, env: NodeJS.ProcessEnv): string {
  if (given !== undefined) return readUrl(given, '--url')
  const named = env['MESH_CONTROL_PLANE']
  return named ? readUrl(named, 'MESH_CONTROL_PLANE') : (addressFromEnvironment() ?? consulDefaults.address).replace(/\/+$/, '')
}

async function using<T>(source: Source, task: (source: Source) => Promise<T>): Promise<T> {
  try {
    return await task(source)
  } finally {
    await source.close()
  }
}

/** A list from the control plane. */
export async function readList<T>(source: Source, path: string, query: Query): Promise<readonly T[]> {
  const answer = await source.read(path, query)
  const isList = Array.isArray(answer) && answer.every((one) => typeof one === 'object' && one !== null)
  if (!isList) throw source.unlike(path, 'something else')
  return answer as T[]
}

/** The instances of a service, by their names. */
export async function readInstances(source: Source, service: string, windowSec: number): Promise<readonly InstanceRow[]> {
  const rows = await readList<InstanceRow>(source, '/api/instances', { service, windowSec })
  return [...rows].sort((a, b) => a.id.localeCompare(b.id, 'en', { numeric: true }))
}

/** An object from either. */
export async function readObject<T>(source: Source, path: string): Promise<T> {
  const answer = await source.read(path)
  const isObject = typeof answer === 'object' && answer !== null && !Array.isArray(answer)
  if (!isObject) throw source.unlike(path, 'something else')
  return answer as T
}
