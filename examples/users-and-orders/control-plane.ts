// What the control plane can be asked: which traces came in.
import { setTimeout as pause } from 'node:timers/promises'
import type { Span } from './trace-tree.js'

export interface Trace {
  readonly traceId: string
  readonly spans: readonly Span[]
}

/** What a server says as JSON; with a body it is a POST. */
export async function ask<T>(url: string, body?: object): Promise<T> {
  const post = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(url, { ...post, signal: AbortSignal.timeout(5_000) })
  if (!response.ok) throw new Error(`${url} answered ${response.status}`)
  return (await response.json()) as T
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
