import type { Pick } from './answers.js'
import { MAX_NAME_LENGTH } from './otlp.js'
import { registeredId } from './registered.js'
import type { Attributes, AttributeValue, Span } from './span.js'

/** One attempt to reach a service: a CLIENT span. */
export interface Attempt {
  /** When it ended. */
  readonly at: number
  readonly caller: string
  /** The service it was meant for, or, for a client that knows addresses only, `host:port`. */
  readonly callee: string
  /** Whether `callee` is the name of a service rather than an address. */
  readonly isNamed: boolean
  /** The instance that was tried, by the name it has in the registry. */
  readonly instance: string | undefined
  /** `host:port` of it. */
  readonly address: string | undefined
  readonly method: string | null
  readonly route: string | null
  readonly status: number | null
  readonly durationMs: number
  readonly failed: boolean
  readonly error: string | null
  readonly resends: number
  readonly hedge: boolean
  readonly pick: Pick | null
}

/** One request that was answered: a SERVER span. */
export interface Request {
  /** When it ended. */
  readonly at: number
  readonly service: string
  /** The caller, when it has shown who it is. */
  readonly peer: string | null
  readonly address: string | null
  readonly method: string | null
  readonly path: string | null
  readonly route: string | null
  readonly status: number | null
  readonly durationMs: number
  readonly failed: boolean
  readonly error: string | null
  /** Why it was refused. */
  readonly reason: string | null
}

/** One call of a meshed caller, whatever number of attempts it took. */
export interface Call {
  readonly at: number
  readonly caller: string
  readonly callee: string
}

const CALL_NAME = 'mesh.call '

/** Ports that a URL does not name. */
const USUAL_PORTS: ReadonlySet<AttributeValue | undefined> = new Set([undefined, 80, 443])

/** What a CLIENT span that ended at that time tells; undefined for others, and for one that does not say whom it was for. */
export function attemptOf(span: Span, at: number): Attempt | undefined {
  if (span.kind !== 'client') return undefined
  const { attributes } = span
  const name = nameIn(attributes, 'service.peer.name') ?? nameIn(attributes, 'peer.service')
  const host = nameIn(attributes, 'server.address')
  const callee = name ?? (host === null ? null : withPort(host, attributes['server.port']))
  if (callee === null) return undefined
  const endpoint = nameIn(attributes, 'mesh.endpoint.id')
  return {
    at,
    caller: span.service,
    callee,
    isNamed: name !== null,
    instance: endpoint === null ? undefined : registeredId(endpoint),
    address: addressIn(attributes, 'network.peer') ?? (name === null ? addressIn(attributes, 'server') : undefined),
    ...exchangeIn(span),
    route: text(attributes, 'url.template'),
    resends: number(attributes, 'http.request.resend_count') ?? 0,
    hedge: flag(attributes, 'mesh.hedge'),
    pick: pickIn(attributes, at),
  }
}

/** What a SERVER span tells; undefined for others. */
export function requestOf(span: Span, at: number): Request | undefined {
  if (span.kind !== 'server') return undefined
  const { attributes } = span
  return {
    at,
    service: span.service,
    peer: nameIn(attributes, 'mesh.peer.service'),
    address: text(attributes, 'network.peer.address') ?? text(attributes, 'client.address'),
    ...exchangeIn(span),
    path: text(attributes, 'url.path'),
    route: text(attributes, 'http.route'),
    reason: text(attributes, 'mesh.refusal.reason'),
  }
}

/** What the span around a whole call tells; undefined for others. */
export function callOf(span: Span, at: number): Call | undefined {
  if (span.kind !== 'internal' || !span.name.startsWith(CALL_NAME)) return undefined
  const callee = nameIn(span.attributes, 'service.peer.name') ?? span.name.slice(CALL_NAME.length)
  return callee === '' || callee.length > MAX_NAME_LENGTH ? undefined : { at, caller: span.service, callee }
}

function exchangeIn({ attributes, durationMs, failed, statusMessage }: Span) {
  return {
    method: text(attributes, 'http.request.method'),
    status: number(attributes, 'http.response.status_code'),
    durationMs,
    failed,
    error: text(attributes, 'error.type') ?? (failed ? statusMessage || 'error' : null),
  }
}

function pickIn(attributes: Attributes, at: number): Pick | null {
  const candidates = number(attributes, 'mesh.pick.candidates')
  if (candidates === null) return null
  const part = (name: string): number | null => number(attributes, `mesh.pick.${name}`)
  return {
    at,
    costMs: part('cost_ms'),
    latencyMs: part('latency_ms'),
    successRatio: part('success_ratio'),
    inFlight: part('in_flight'),
    ramp: part('ramp'),
    weight: part('weight'),
    report: part('report'),
    stalled: flag(attributes, 'mesh.pick.stalled'),
    candidates,
    excluded: part('excluded'),
  }
}

function addressIn(attributes: Attributes, of: 'network.peer' | 'server'): string | undefined {
  const host = nameIn(attributes, `${of}.address`)
  const port = number(attributes, `${of}.port`)
  return host === null || port === null ? undefined : `${bracketed(host)}:${port}`
}

function withPort(host: string, port: AttributeValue | undefined): string {
  return USUAL_PORTS.has(port) ? host : `${bracketed(host)}:${port}`
}

function bracketed(host: string): string {
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}

/** A text that is kept for long, as part of a key. */
function nameIn(attributes: Attributes, name: string): string | null {
  const value = text(attributes, name)
  return value === null || value.length > MAX_NAME_LENGTH ? null : value
}

function text(attributes: Attributes, name: string): string | null {
  const value = attributes[name]
  return typeof value === 'string' && value !== '' ? value : null
}

/** Simple exporters make texts of what is neither text nor number. */
export function flag(attributes: Attributes, name: string): boolean {
  const value = attributes[name]
  return value === true || value === 'true'
}

function number(attributes: Attributes, name: string): number | null {
  const value = attributes[name]
  return typeof value === 'number' ? value : null
}
