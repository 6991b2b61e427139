import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { Cancellation } from '../../src/call/cancellation.js'
import type { Handler } from '../../src/call/layer.js'
import type { Arrival, InboundReply } from '../../src/call/inbound.js'
import { parseLoadReport } from '../../src/call/load-report.js'
import { PRIORITIES } from '../../src/call/priority.js'
import { retryAfterMs } from '../../src/call/retry-after.js'
import { redactTokens } from '../../src/telemetry/redact.js'
import { FakeClock } from '../support/fake-clock.js'
import { fuzzRuns, Stopwatch } from '../support/fuzz.js'
import { InboundScene } from '../support/inbound-mesh.js'

const IN_SUITE = 300
const OK: InboundReply = { status: 200, route: undefined, aborted: false, answer: undefined }

/** Long and repetitive, as an attacker would have it who looks for a pattern that goes back and forth. */
const long = fc.tuple(fc.constantFrom(',', ' ', 'a', '=', '-', ';', '0', '1e', 'a=b,', 'eyJ', 'eyJa.', '. ', ' ,', '\t', 'key=eyJ.'), fc.nat(16_384)).map(([unit, length]) => unit.repeat(Math.ceil(length / unit.length)))
const wild = fc.oneof({ weight: 4, arbitrary: fc.string({ unit: 'binary' }) }, { weight: 2, arbitrary: fc.string({ unit: fc.constantFrom(...'0123456789-+.eE ,;=_TEXTJSON{}":') }) }, { weight: 1, arbitrary: long })
const hex = (length: number): fc.Arbitrary<string> => fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })

const timeouts = fc.oneof(fc.integer().map(String), fc.integer({ min: 1, max: 5_000 }).map(String), fc.constantFrom('0', '-0', '-1', '1e3', '0x10', ' 5', '5 ', '٣', '1_000', '999999999', '9999999999', 'Infinity', 'NaN', '5, 6', '1.5'), wild)
const priorities = fc.oneof(fc.constantFrom('critical', 'normal', 'low', 'Critical', 'low ', 'critical, low', '__proto__', 'constructor'), wild)
const parents = fc.oneof(fc.tuple(fc.constantFrom('00', 'ff', '01', '0'), hex(32), hex(16), hex(2)).map((pieces) => pieces.join('-')), fc.constant(`00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`), wild)
const baggages = fc.oneof(fc.array(fc.tuple(wild, wild).map(([name, value]) => `${name}=${value}`)).map((members) => members.join(',')), fc.nat(64).map((kib) => 'a=b,'.repeat(kib * 256)), wild)
const reports = fc.oneof(
  fc.tuple(fc.constantFrom('TEXT ', 'JSON ', 'BIN ', ''), fc.array(fc.tuple(fc.constantFrom('application_utilization', 'cpu_utilization', 'named_metrics.inflight', 'x'), fc.constantFrom('=', ':', ' = '), fc.oneof(fc.double().map(String), wild)).map((pieces) => pieces.join('')))).map(([kind, metrics]) => kind + metrics.join(', ')),
  fc.json().map((text) => `JSON ${text}`),
  fc.record({ named_metrics: fc.anything(), application_utilization: fc.anything(), cpuUtilization: fc.anything() }).map((report) => `JSON ${JSON.stringify(report, (_, value: unknown) => (typeof value === 'bigint' ? 0 : value))}`),
  wild,
)
const dates = fc.oneof(fc.nat().map(String), fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()), wild)

describe('headers, whatever is in them', () => {
  let scene: InboundScene
  let handle: Handler<Arrival, InboundReply>
  let bearer: string

  beforeAll(async () => {
    scene = await InboundScene.create()
    handle = scene.inbound({ policy: { allow: [{ from: ['orders'] }], deny: [{ from: ['*'], when: [{ header: 'x-stage', values: ['test'] }] }] }, shed: false })
    bearer = (await scene.bearer('orders')).authorization
  })

  const requests = fc.record({
    'authorization': fc.oneof({ weight: 9, arbitrary: fc.constant('good') }, fc.constantFrom(undefined, 'Bearer', 'good, good'), wild),
    'mesh-timeout-ms': fc.option(timeouts, { nil: undefined }),
    'mesh-priority': fc.option(priorities, { nil: undefined }),
    'mesh-resend': fc.option(wild, { nil: undefined }),
    'traceparent': fc.option(parents, { nil: undefined }),
    'tracestate': fc.option(wild, { nil: undefined }),
    'baggage': fc.option(baggages, { nil: undefined }),
    'x-stage': fc.option(fc.oneof(fc.constantFrom('test', 'test, live', 'live'), wild), { nil: undefined }),
    'host': fc.option(wild, { nil: undefined }),
    'mesh-offer': fc.option(wild, { nil: undefined }),
  })

  it('a request is answered or let in, and its deadline, priority and trace are what could be read without doubt', async () => {
    const watch = new Stopwatch()
    let admitted = 0
    let longest = 0
    await fc.assert(
      fc.asyncProperty(requests, async (given) => {
        const fields: Readonly<Record<string, string | undefined>> = { ...given, authorization: given.authorization?.replaceAll('good', bearer) }
        const characters = Object.values(fields).reduce((sum, value) => sum + (value?.length ?? 0), 0)
        longest = Math.max(longest, characters)
        let context: typeof scene.host.ambient.current
        const run = async (): Promise<InboundReply> =>
          handle({
            ...{ method: 'GET', target: '/', scheme: 'http', remoteAddress: '127.0.0.1', cancellation: new Cancellation() },
            header: (name) => fields[name],
            proceed: async () => ((context = scene.host.ambient.current), OK),
          })
        const asked = scene.host.clock.now()
        const reply = await watch.timeAsync(given, characters, run)
        expect([200, 401, 403, 503, 504]).toContain(reply.status)
        if (context === undefined) return
        admitted++
        expect(fields['authorization']).toBe(bearer)
        expect(fields['x-stage']).not.toBe('test')
        const timeout = fields['mesh-timeout-ms']
        const said = timeout !== undefined && /^-?[0-9]{1,9}$/.test(timeout) ? Number(timeout) : undefined
        if (said === undefined) expect(context.deadlineAt).toBe(Infinity)
        else expect(context.deadlineAt - asked).toBeGreaterThanOrEqual(said)
        if (said !== undefined) expect(said).toBeGreaterThan(0)
        expect(PRIORITIES).toContain(context.priority)
        if (context.priority !== 'normal') expect(fields['mesh-priority']).toBe(context.priority)
        for (let i = 0; i < context.traceHeaders.length; i += 2) {
          const [name, value] = [context.traceHeaders[i]!, context.traceHeaders[i + 1]!]
          expect(fields[name]!.startsWith(value)).toBe(true)
          expect(value).toMatch(/^[\x20-\x7e]+$/)
          if (name === 'baggage') expect(value.length).toBeLessThanOrEqual(8192)
        }
      }),
      fuzzRuns(IN_SUITE),
    )
    expect(admitted).toBeGreaterThan(50)
    expect(longest).toBeGreaterThan(16_384)
    expect(await watch.tooSlow()).toBeUndefined()
  })

  it('a load report says something that can be counted with, or nothing', async () => {
    const watch = new Stopwatch()
    let read = 0
    fc.assert(
      fc.property(reports, (value) => {
        const report = watch.time(value, value.length, () => parseLoadReport(value))
        if (report === undefined) return
        read++
        for (const figure of [report.inFlight, report.utilization]) if (figure !== undefined) expect(Number.isFinite(figure) && figure >= 0).toBe(true)
      }),
      fuzzRuns(IN_SUITE),
    )
    expect(read).toBeGreaterThan(10)
    expect(await watch.tooSlow()).toBeUndefined()
  })

  it('an answer asks to wait for a time, or does not ask', async () => {
    const watch = new Stopwatch()
    const clock = new FakeClock()
    let asked = 0
    fc.assert(
      fc.property(dates, (value) => {
        const waitMs = watch.time(value, value.length, () => retryAfterMs({ 'retry-after': value }, clock))
        if (waitMs === undefined) return
        asked++
        expect(Number.isFinite(waitMs) && waitMs >= 0, value).toBe(true)
      }),
      fuzzRuns(IN_SUITE),
    )
    expect(asked).toBeGreaterThan(10)
    expect(await watch.tooSlow()).toBeUndefined()
  })

  it('O07 no token is left of a text, wherever it stands in it', async () => {
    const watch = new Stopwatch()
    const token = bearer.slice('Bearer '.length)
    const signature = token.slice(token.lastIndexOf('.') + 1)
    fc.assert(
      fc.property(wild, wild, (before, after) => {
        const text = before + token + after
        expect(watch.time(text, text.length, () => redactTokens(text))).not.toContain(signature)
      }),
      fuzzRuns(IN_SUITE, 0.5),
    )
    expect(await watch.tooSlow()).toBeUndefined()
  })
})
