import { describe, expect, it } from 'vitest'
import { Monitor } from '../../../src/control-plane/monitor/monitor.js'
import type { Span } from '../../../src/control-plane/monitor/span.js'
import { Catalog } from '../../../src/control-plane/registry/catalog.js'
import { FakeClock } from '../../support/fake-clock.js'

const clock = new FakeClock()
const monitorOf = (): Monitor => new Monitor(new Catalog(clock), clock)
const now = (): { now: number; windowSec: number } => ({ now: clock.epochMs(), windowSec: 60 })

let ids = 0
const attempt = (caller: string, callee: string, more: Record<string, string> = {}): Span => ({
  traceId: (++ids).toString(16).padStart(32, '0'),
  spanId: '1'.repeat(16),
  parentSpanId: undefined,
  service: caller,
  name: 'GET',
  kind: 'client',
  startAt: clock.epochMs() - 5,
  durationMs: 5,
  failed: false,
  statusMessage: '',
  attributes: { 'service.peer.name': callee, 'mesh.endpoint.id': `${callee}-1`, ...more },
  events: [],
})

describe('what the monitor holds', () => {
  it('stays within its bounds, while edges count on when the spans themselves had to go', () => {
    const monitor = monitorOf()
    const text = 'x'.repeat(100_000)
    for (let i = 0; i < 1_000; i++) monitor.takeSpan(attempt('orders', 'users', { text }))
    const { spans, spanBytes, maxSpanBytes } = monitor.memory()
    expect(spans).toBeLessThan(400)
    expect(spanBytes).toBeLessThanOrEqual(maxSpanBytes)
    expect(monitor.edges(now())).toMatchObject([{ count: 1_000 }])
  })

  it('stays within its bounds for a flood of names, and counts on those that it knows', () => {
    const monitor = monitorOf()
    for (let i = 0; i < 5_000; i++) monitor.takeSpan(attempt(`caller-${i}`, `callee-${i}`))
    monitor.takeSpan(attempt('caller-0', 'callee-0'))
    const { statistics, maxStatistics, statisticsBytes } = monitor.memory()
    expect(statistics).toBeLessThanOrEqual(maxStatistics)
    expect(statisticsBytes).toBeLessThan(100 * 1024 * 1024)
    expect(monitor.edges(now()).find(({ caller }) => caller === 'caller-0')).toMatchObject({ count: 2 })
  })

  it('makes room for new names when old ones have been silent for longer than anybody can ask', async () => {
    const monitor = monitorOf()
    for (let i = 0; i < 2_000; i++) monitor.takeSpan(attempt(`caller-${i}`, `callee-${i}`))
    await clock.advance(601_000)
    monitor.takeSpan(attempt('late', 'users'))
    expect(monitor.edges(now())).toMatchObject([{ caller: 'late', count: 1 }])
  })

  it('ignores names that are too long to be names', () => {
    const monitor = monitorOf()
    monitor.takeSpan(attempt('orders', 'x'.repeat(256)))
    expect(monitor.edges(now())).toEqual([])
  })
})
