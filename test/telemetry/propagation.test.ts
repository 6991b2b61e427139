import { propagation, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { extract, inject, passOn, traceHeadersOf } from '../../src/telemetry/propagation.js'
import { registerSdk, removeSdk } from './sdk.js'

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

afterEach(removeSdk)

function source(headers: Readonly<Record<string, string>>): { header(name: string): string | undefined } {
  return { header: (name) => headers[name] }
}

describe('traceHeadersOf', () => {
  it('takes the three fields as they came and nothing else', () => {
    const headers = { traceparent: PARENT, tracestate: 'a=1,b=2', baggage: 'k=v;p', cookie: 'c=1', authorization: 'Bearer x' }
    expect(traceHeadersOf(source(headers))).toEqual(['traceparent', PARENT, 'tracestate', 'a=1,b=2', 'baggage', 'k=v;p'])
    expect(traceHeadersOf(source({}))).toEqual([])
  })

  it('leaves out what could not be sent on', () => {
    expect(traceHeadersOf(source({ traceparent: 'a\u0001', tracestate: 'a=é', baggage: '' }))).toEqual([])
  })

  it('O11 cuts 64 KiB of baggage after the last whole member within 8192 bytes', () => {
    const members = Array.from({ length: 4096 }, (_, i) => `key-${i}=value`)
    const [, baggage] = traceHeadersOf(source({ baggage: members.join(',') }))
    expect(baggage!.length).toBeLessThanOrEqual(8192)
    const kept = baggage!.split(',')
    expect(kept).toEqual(members.slice(0, kept.length))
    expect([...kept, members[kept.length]!].join(',').length).toBeGreaterThan(8192)
    expect(traceHeadersOf(source({ baggage: `k=${'v'.repeat(65_536)}` }))).toEqual([])
  })

  it('never passes on more than 8192 bytes of baggage, nor a part of a member', () => {
    const member = fc.string({ unit: fc.constantFrom('k', '=', 'v'), minLength: 1, maxLength: 3000 })
    fc.assert(
      fc.property(fc.array(member, { minLength: 1, maxLength: 8 }), (members) => {
        const kept = traceHeadersOf(source({ baggage: members.join(',') }))[1]
        if (kept === undefined) return expect(members[0]!.length).toBeGreaterThan(8192)
        expect(kept.length).toBeLessThanOrEqual(8192)
        expect(members.slice(0, kept.split(',').length).join(',')).toBe(kept)
      }),
    )
  })
})

describe('passOn', () => {
  const inherited = ['traceparent', PARENT, 'tracestate', 'a=1', 'baggage', 'k=v']

  it('adds what the inbound request brought', () => {
    expect(passOn(['accept', '*/*'], inherited)).toEqual(['accept', '*/*', ...inherited])
  })

  it("lets the caller's own win, and keeps a trace state with its parent", () => {
    expect(passOn(['traceparent', 'own'], inherited)).toEqual(['traceparent', 'own', 'baggage', 'k=v'])
    expect(passOn(['baggage', 'own=1'], inherited)).toEqual(['baggage', 'own=1', 'traceparent', PARENT, 'tracestate', 'a=1'])
    expect(passOn(['tracestate', 'own=1'], inherited)).toEqual(['tracestate', 'own=1', 'traceparent', PARENT, 'baggage', 'k=v'])
  })

  it('copies nothing when there is nothing to add, and never writes into what it is given', () => {
    const headers = Object.freeze(['traceparent', 'own', 'baggage', 'own=1'])
    expect(passOn(headers, inherited)).toBe(headers)
    expect(passOn(headers, [])).toBe(headers)
    const bare = Object.freeze(['accept', '*/*'])
    expect(passOn(bare, inherited)).not.toBe(bare)
  })
})

describe('inject', () => {
  const remote = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }

  it("takes the place of a caller's own context, trace state included", () => {
    registerSdk()
    const headers = Object.freeze(['traceparent', 'own', 'accept', '*/*', 'tracestate', 'own=1', 'traceparent', 'twice'])
    expect(inject(trace.setSpanContext(ROOT_CONTEXT, remote), headers)).toEqual(['accept', '*/*', 'traceparent', PARENT])
  })

  it("keeps a caller's own baggage unless the context has some", () => {
    registerSdk()
    const context = trace.setSpanContext(ROOT_CONTEXT, remote)
    expect(inject(context, ['baggage', 'own=1'])).toEqual(['baggage', 'own=1', 'traceparent', PARENT])
    const withBaggage = propagation.setBaggage(context, propagation.createBaggage({ k: { value: 'v' } }))
    expect(inject(withBaggage, ['baggage', 'own=1'])).toEqual(['traceparent', PARENT, 'baggage', 'k=v'])
  })

  it('leaves the fields alone when the propagator throws halfway', () => {
    propagation.setGlobalPropagator({
      inject: (_, carrier, setter) => {
        setter.set(carrier, 'traceparent', 'half')
        throw new Error('broken propagator')
      },
      extract: () => { throw new Error('broken propagator') },
      fields: () => [],
    })
    expect(inject(ROOT_CONTEXT, ['accept', '*/*'])).toEqual(['accept', '*/*'])
    expect(extract(source({}))).toBeUndefined()
  })
})

describe('extract', () => {
  it('O11 reads no more than 8192 bytes of baggage into the context', () => {
    registerSdk()
    const baggage = Array.from({ length: 4096 }, (_, i) => `key-${i}=value`).join(',')
    const entries = propagation.getBaggage(extract(source({ baggage }))!)!.getAllEntries()
    expect(entries.length).toBeGreaterThan(50)
    expect(entries.map(([key, { value }]) => `${key}=${value}`).join(',').length).toBeLessThanOrEqual(8192)
  })

  it('takes the parent from the headers and never from what happens to be active', () => {
    const sdk = registerSdk()
    sdk.provider.getTracer('app').startActiveSpan('startup', (span) => {
      expect(trace.getSpan(extract(source({}))!)).toBeUndefined()
      expect(trace.getSpanContext(extract(source({ traceparent: PARENT }))!)?.spanId).toBe('b7ad6b7169203331')
      span.end()
    })
  })
})
