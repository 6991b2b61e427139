import { Refusal } from '../http/answer.js'
import { Fields, mistyped } from './json-fields.js'
import type { CheckStatus, Registration, ServiceDefinition } from './service.js'

type CheckRegistration = Registration['checks'][number]

// Consul's least; a shorter one is raised to it.
const MIN_DEREGISTER_AFTER_MS = 60_000
const OTHER_KINDS = ['HTTP', 'TCP', 'UDP', 'GRPC', 'H2PING', 'Script', 'Args', 'AliasService', 'AliasNode', 'DockerContainerID']

/** Reads the body of `PUT /v1/agent/service/register`. Throws what Consul answers to a bad one. */
export function readRegistration(body: string, replacesChecks: boolean): Registration {
  const given = Fields.parse(body)
  const name = given.text('Name')
  if (name === '') throw new Refusal(400, 'Missing service name')
  const definition: ServiceDefinition = {
    id: given.text('ID') || name,
    name,
    address: readAddress(given.text('Address')),
    port: given.wholeNumber('Port', 65_535) ?? 0,
    tags: given.strings('Tags'),
    meta: readMeta(given.value('Meta') ?? {}),
    weights: readWeights(given.object('Weights')),
    enableTagOverride: given.value('EnableTagOverride') === true,
  }
  const single = given.object('Check')
  const checks = [...(single === undefined ? [] : [single]), ...given.objects('Checks')]
  const suffix = (i: number): string => (checks.length > 1 ? `:${i + 1}` : '')
  return { definition, checks: checks.map((check, i) => readCheck(check, definition, suffix(i))), replacesChecks }
}

/** Reads the body of `PUT /v1/agent/check/update/:id`. */
export function readCheckUpdate(body: string): { readonly status: CheckStatus; readonly output: string } {
  const given = Fields.parse(body)
  const status = given.text('Status')
  if (!isStatus(status)) throw new Refusal(400, `Invalid check status: '${status}'`)
  return { status, output: given.text('Output') }
}

function readCheck(given: Fields, service: ServiceDefinition, suffix: string): CheckRegistration {
  const other = OTHER_KINDS.find((kind) => given.value(kind) !== undefined)
  if (other !== undefined) throw new Refusal(400, `Invalid check: this registry has TTL checks only, not ${other}`)
  const ttlMs = given.durationMs('TTL') ?? 0
  if (!(ttlMs > 0)) throw new Refusal(400, 'Invalid check: TTL must be > 0 for TTL checks')
  const status = given.text('Status') || 'critical'
  if (!isStatus(status)) throw new Refusal(400, "Status for checks must 'passing', 'warning', 'critical'")
  const deregisterAfterMs = given.durationMs('DeregisterCriticalServiceAfter') ?? 0
  const definition = {
    id: given.text('CheckID') || given.text('ID') || `service:${service.id}${suffix}`,
    name: given.text('Name') || `Service '${service.name}' check`,
    notes: given.text('Notes'),
    ttlMs,
    deregisterAfterMs: deregisterAfterMs > 0 ? Math.max(deregisterAfterMs, MIN_DEREGISTER_AFTER_MS) : undefined,
  }
  return { definition, status }
}

function readAddress(address: string): string {
  if (['0.0.0.0', '::', '[::]'].includes(address)) throw new Refusal(400, 'Invalid service address')
  return address
}

function readWeights(given: Fields | undefined): ServiceDefinition['weights'] {
  const passing = given?.wholeNumber('Passing', 65_535) ?? 1
  if (passing < 1) throw new Refusal(400, 'Invalid Weights: Passing must be greater than 0')
  return { passing, warning: given?.wholeNumber('Warning', 65_535) ?? 1 }
}

function readMeta(given: unknown): ServiceDefinition['meta'] {
  if (typeof given !== 'object' || Array.isArray(given)) throw mistyped('Meta', 'an object of strings')
  const pairs = Object.entries(given as object)
  if (pairs.length > 64) throw new Refusal(400, 'Invalid Service Meta: more than 64 pairs')
  for (const [key, value] of pairs) {
    if (typeof value !== 'string') throw mistyped(`Meta.${key}`, 'a string')
    if (!/^[\w-]{1,128}$/.test(key)) throw new Refusal(400, `Invalid Service Meta: Key '${key}' contains invalid characters`)
    if (value.length > 512) throw new Refusal(400, `Invalid Service Meta: the value of '${key}' is over 512 characters`)
  }
  return Object.fromEntries(pairs)
}

function isStatus(text: string): text is CheckStatus {
  return text === 'passing' || text === 'warning' || text === 'critical'
}
