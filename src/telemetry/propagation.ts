import {
  context as contextApi,
  propagation,
  trace,
  type Context,
  type TextMapGetter,
  type TextMapSetter,
} from '@opentelemetry/api'
import { headerValue, withHeader, withoutHeader, type HeaderList } from '../call/headers.js'
import type { Arrival } from '../call/inbound.js'
import { guarded } from './guarded.js'

type HeaderSource = Pick<Arrival, 'header'>

const TRACE_FIELDS = ['traceparent', 'tracestate', 'baggage'] as const
/** What everybody must pass on, and more than anybody should ({@link https://www.w3.org/TR/baggage/#limits | W3C Baggage}). */
const MAX_BAGGAGE_BYTES = 8192
const NONE: HeaderList = []

/**
 * The fields of {@link https://www.w3.org/TR/trace-context/ | W3C Trace Context} and Baggage of an inbound request, as
 * they came, for the calls that it causes. Baggage is cut after its last whole member within 8192 bytes.
 */
export function traceHeadersOf(source: HeaderSource): HeaderList {
  let found: string[] | undefined
  for (const name of TRACE_FIELDS) {
    const value = fieldOf(source, name)
    if (value !== undefined) (found ??= []).push(name, value)
  }
  return found ?? NONE
}

/** Adds the fields that the inbound request brought, for a trace that this process takes no part in. The caller's own win. */
export function passOn(headers: HeaderList, inherited: HeaderList): HeaderList {
  let added: string[] | undefined
  for (let i = 0; i < inherited.length; i += 2) {
    const name = inherited[i]!
    // A trace state belongs to the parent that it came with.
    const owner = name === 'tracestate' ? 'traceparent' : name
    if (headerValue(headers, name) !== undefined || headerValue(headers, owner) !== undefined) continue
    added ??= headers.slice()
    added.push(name, inherited[i + 1]!)
  }
  return added ?? headers
}

/** Writes `context` into a copy of the fields, in the place of what the caller may have put there. */
export function inject(context: Context, headers: HeaderList): HeaderList {
  return guarded(() => {
    const carrier = { headers }
    propagation.inject(context, carrier, setter)
    return carrier.headers
  }, headers)
}

/** The context that an inbound request came with. */
export function extract(source: HeaderSource): Context | undefined {
  return guarded(() => {
    // A server that was started within a span hands that span's context to every request; only the headers know the parent.
    const base = trace.deleteSpan(contextApi.active())
    return propagation.extract(base, source, getter)
  }, undefined)
}

const setter: TextMapSetter<{ headers: HeaderList }> = {
  set(carrier, name, value) {
    const field = name.toLowerCase()
    if (field === 'traceparent') carrier.headers = withoutHeader(carrier.headers, 'tracestate')
    carrier.headers = withHeader(carrier.headers, field, value)
  },
}

const getter: TextMapGetter<HeaderSource> = {
  keys: () => [...TRACE_FIELDS],
  get: fieldOf,
}

function fieldOf(source: HeaderSource, name: string): string | undefined {
  const value = source.header(name.toLowerCase())
  // None of these fields may hold anything else, and a control character could not be sent on.
  if (value === undefined || !/^[\x20-\x7e]+$/.test(value)) return undefined
  return name === 'baggage' ? wholeMembers(value) : value
}

function wholeMembers(baggage: string): string | undefined {
  if (baggage.length <= MAX_BAGGAGE_BYTES) return baggage
  const cutAt = baggage.lastIndexOf(',', MAX_BAGGAGE_BYTES)
  return cutAt > 0 ? baggage.slice(0, cutAt) : undefined
}
