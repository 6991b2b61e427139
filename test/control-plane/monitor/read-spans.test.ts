import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readPoints } from '../../../src/control-plane/monitor/read-points.js'
import { readSpans } from '../../../src/control-plane/monitor/read-spans.js'
import { spanJson } from './otlp-json.js'

const one = (fields: object): ReturnType<typeof readSpans> => {
  const span = { ...spanJson({ spanId: 'a000000000000001' }), ...fields }
  return readSpans({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })
}

describe('a span in OTLP', () => {
  it('may have attributes of every kind', () => {
    const attributes = [
      { key: 'text', value: { stringValue: 'a' } },
      { key: 'flag', value: { boolValue: false } },
      { key: 'long', value: { intValue: '42' } },
      { key: 'short', value: { intValue: 42 } },
      { key: 'half', value: { doubleValue: 0.5 } },
      { key: 'list', value: { arrayValue: { values: [{ stringValue: 'a' }] } } },
      { key: '__proto__', value: { stringValue: 'polluted' } },
      { key: 'none' },
    ]
    const [span] = one({ attributes }).taken
    expect(Object.entries(span!.attributes)).toEqual([
      ['text', 'a'],
      ['flag', false],
      ['long', 42],
      ['short', 42],
      ['half', 0.5],
      ['list', '{"arrayValue":{"values":[{"stringValue":"a"}]}}'],
      ['__proto__', 'polluted'],
      ['none', ''],
    ])
  })

  it('is of an unknown service when its resource does not say', () => {
    expect(one({}).taken[0]?.service).toBe('unknown_service')
  })

  it.each([
    [{ startTimeUnixNano: 'soon' }, 'startTimeUnixNano is not a number of nanoseconds'],
    [{ startTimeUnixNano: -1 }, 'startTimeUnixNano is not a number of nanoseconds'],
    [{ endTimeUnixNano: undefined }, 'endTimeUnixNano is not a number of nanoseconds'],
    [{ traceId: 7 }, 'traceId is not 32 hex digits'],
    [{ parentSpanId: 'x' }, 'parentSpanId is not 16 hex digits'],
  ])('with %j is refused: %s', (fields, reason) => expect(one(fields)).toEqual({ taken: [], refused: [reason] }))

  it('that ends before it began took no time', () => {
    expect(one({ endTimeUnixNano: '1' }).taken[0]?.durationMs).toBe(0)
  })
})

describe('reading OTLP', () => {
  it('never throws, whatever JSON comes', () => {
    const names = ['scopeSpans', 'spans', 'scopeMetrics', 'metrics', 'gauge', 'dataPoints', 'attributes', 'key', 'value']
    const { any } = fc.letrec<{ any: unknown }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 8 },
        fc.jsonValue({ maxDepth: 1 }),
        fc.array(tie('any'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom(...names), tie('any'), { maxKeys: 4 }),
      ),
    }))
    fc.assert(
      fc.property(any, (value) => {
        for (const resourceSpans of [value, [value], [{ scopeSpans: [{ spans: [value] }] }]]) {
          expect(readSpans({ resourceSpans }).taken).toBeInstanceOf(Array)
        }
        for (const resourceMetrics of [value, [value], [{ scopeMetrics: [{ metrics: [{ name: 'n', gauge: value }] }] }]]) {
          expect(readPoints({ resourceMetrics }).taken).toBeInstanceOf(Array)
        }
      }),
    )
  })
})
