// What the control plane can be asked: who is in the registry, and which traces came in.
import { setTimeout as pause } from 'node:timers/promises'
import type { Span } from './trace-tree.js'

/** An instance that the registry lists. */
export interface Listed {
  readonly id: string
  readonly address: string
}

export interface Trace {
  readonly traceId: string
  readonly spans: readonly Span[]
}

export async function ask<T>(url: string): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as T
}

/** The instances of a service, by Consul's HTTP API: https://developer.hashicorp.com/consul/api-docs/health */
export async function instancesOf(url: string, service: string): Promise<readonly Listed[]> {
  type Entry = { readonly Service: { readonly ID: string; readonly Address: string; readonly Port: number } }
  const entries = await ask<readonly Entry[]>(`${url}/v1/health/service/${service}?passing=true`)
  return entries
    .map(({ Service: { ID, Address, Port } }) => ({ id: ID, address: `${Address}:${Port}` }))
    .sort((a, b) => a.id.localeCompare(b.id))
}

interface Summary {
  readonly traceId: string
  readonly services: readonly string[]
  readonly spans: number
}

const TRIES = 20
const BETWEEN_TRIES_MS = 250

/** A trace of which every part has come in; processes send theirs in batches, each in its own time. */
export async function wholeTrace(url: string, services: readonly string[], spanCount: number): Promise<Trace> {
  for (let tried = 0; tried < TRIES; tried++) {
    const newest = await ask<readonly Summary[]>(`${url}/api/traces?limit=200`)
    const isWhole = (trace: Summary): boolean =>
      trace.spans === spanCount && services.every((service) => trace.services.includes(service))
    const whole = newest.find(isWhole)
    if (whole !== undefined) return ask<Trace>(`${url}/api/traces/${whole.traceId}`)
    await pause(BETWEEN_TRIES_MS)
  }
  return { traceId: 'none', spans: [] }
}
