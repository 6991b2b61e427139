import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRoute, toDenials, toGraph, toService, toTrace, toTraces } from '../../../src/control-plane/dashboard/route.js'

describe('the address after #', () => {
  it('leads back to what it was made of, whatever a service is called', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 })
    fc.assert(
      fc.property(name, fc.boolean(), fc.option(fc.integer({ min: 0, max: 9_999 }), { nil: undefined }), (service, failed, minMs) => {
        expect(parseRoute(toService(service))).toEqual({ view: 'service', service })
        expect(parseRoute(toTraces({ service, failed, minMs }))).toEqual({ view: 'traces', service, failed, minMs })
        expect(parseRoute(toTrace(service, service))).toEqual({ view: 'trace', traceId: service, spanId: service })
        expect(parseRoute(toDenials(service))).toEqual({ view: 'denials', service })
      }),
    )
  })

  it.each([
    ['', 'graph'], ['#', 'graph'], [toGraph, 'graph'], ['#/service/', 'nowhere'], ['#/trace', 'nowhere'], ['#/constructor', 'nowhere'], ['#/traces', 'traces'],
  ])('%s leads to %s', (hash, view) => expect(parseRoute(hash).view).toBe(view))

  it.each(['#/service/%', '#/traces?minMs=NaN', '#/traces?minMs=-1', '#/traces?minMs=1e9'])('%s is taken for what it can be', (hash) => {
    expect(() => parseRoute(hash)).not.toThrow()
    expect(parseRoute(hash)).not.toHaveProperty('minMs', expect.anything())
  })
})
