import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatLoadReport, parseLoadReport } from '../../src/call/load-report.js'

describe('load reports', () => {
  it('come back as they were sent, to three digits', () => {
    fc.assert(
      fc.property(fc.nat(), fc.double({ min: 0, max: 10, noNaN: true }), (inFlight, utilization) => {
        const report = parseLoadReport(formatLoadReport({ inFlight, utilization }))!
        expect(report.inFlight).toBe(inFlight)
        expect(report.utilization).toBeCloseTo(utilization, 3)
      }),
    )
  })

  it.each([
    ['TEXT application_utilization=0.31, rps_fractional=12.5, named_metrics.inflight=3', { inFlight: 3, utilization: 0.31 }],
    ['TEXT cpu_utilization:0.7,mem_utilization:0.2', { inFlight: undefined, utilization: 0.7 }],
    ['TEXT cpu_utilization=0.9,application_utilization=0.1', { inFlight: undefined, utilization: 0.1 }],
    ['JSON {"cpu_utilization": 0.3, "named_metrics": {"inflight": 4}}', { inFlight: 4, utilization: 0.3 }],
    ['JSON {"applicationUtilization": 0.5, "namedMetrics": {"inflight": 0}}', { inFlight: 0, utilization: 0.5 }],
  ])('are understood as others write them: %s', (value, report) => {
    expect(parseLoadReport(value)).toEqual(report)
  })

  it.each([
    ['nothing', undefined],
    ['two fields', ['TEXT cpu_utilization=0.3', 'TEXT cpu_utilization=0.4']],
    ['the binary form', 'BIN CZqZmZmZmbk/'],
    ['no figures', 'TEXT named_metrics.other=3'],
    ['a negative number', 'TEXT named_metrics.inflight=-3'],
    ['what is no number', 'TEXT named_metrics.inflight=1e999, cpu_utilization=..'],
    ['half a JSON', 'JSON {"cpu_utilization":'],
    ['a JSON null', 'JSON null'],
    ['a JSON text', 'JSON {"named_metrics":{"inflight":"3"}}'],
    ['what only a prototype has', 'JSON {"named_metrics":"inflight"}'],
    ['far too much', `TEXT ${'named_metrics.x=1,'.repeat(1_000)}named_metrics.inflight=1`],
  ])('say nothing when they are %s', (_, value) => {
    expect(parseLoadReport(value)).toBeUndefined()
  })

  it('never throw, and never tell a number that is none', () => {
    const text = fc.string({ unit: fc.constantFrom(...'TEXTJSON {}":,=.0123456789e-+namedmetricsinflightcpu_utilization') })
    fc.assert(
      fc.property(fc.constantFrom('TEXT ', 'JSON ', ''), text, (form, rest) => {
        const report = parseLoadReport(form + rest)
        for (const figure of Object.values(report ?? {})) expect(figure === undefined || (Number.isFinite(figure) && figure >= 0)).toBe(true)
      }),
    )
  })
})
