import { context, propagation } from '@opentelemetry/api'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Ambient } from '../../src/call/ambient.js'
import type { Handler } from '../../src/call/layer.js'
import { attemptSpan } from '../../src/telemetry/attempt-span.js'
import { callSpan } from '../../src/telemetry/call-span.js'
import { peerOnSpan, serverSpan } from '../../src/telemetry/server-span.js'
import { Tracing } from '../../src/telemetry/tracing.js'
import { attempt, call, inbound, reply } from './nouns.js'

const tracing = new Tracing('1.2.3')
const answer = Promise.resolve(reply())
const inboundAnswer = Promise.resolve({ status: 200, route: undefined, aborted: false, answer: undefined })

/** Gives back what it was given together with its answer, so that a copy on the way would show. */
function spyOf<In, Out>(out: Promise<Out>): { readonly seen: In[]; readonly handler: Handler<In, Out> } {
  const seen: In[] = []
  return { seen, handler: (input) => (seen.push(input), out) }
}

const stages = [
  ['callSpan', callSpan(tracing), call(), answer],
  ['attemptSpan', attemptSpan(tracing, new Ambient()), attempt(), answer],
  ['serverSpan', serverSpan(tracing), inbound(), inboundAnswer],
  ['peerOnSpan', peerOnSpan(tracing), inbound(), inboundAnswer],
] as const

/** Bytes by which the heap grew over many calls; the least of some rounds, since others may use the heap as well. */
function grownBytes(task: () => unknown, times: number): number {
  const round = (): number => {
    const before = process.memoryUsage().heapUsed
    for (let i = 0; i < times; i++) task()
    return process.memoryUsage().heapUsed - before
  }
  return Math.min(...Array.from({ length: 7 }, round).filter((bytes) => bytes >= 0))
}

describe.each(stages)('%s while nobody records', (_, layer, input, out) => {
  afterEach(() => void vi.restoreAllMocks())
  const through = layer as (next: Handler<unknown, unknown>) => Handler<unknown, unknown>

  it('hands on the very input and the very promise', () => {
    const { seen, handler } = spyOf<unknown, unknown>(out)
    expect(through(handler)(input)).toBe(out)
    expect(seen).toEqual([input])
    expect(seen[0]).toBe(input)
  })

  it('asks for no context and injects none', () => {
    const uses = [
      vi.spyOn(context, 'active'),
      vi.spyOn(context, 'with'),
      vi.spyOn(propagation, 'extract'),
      vi.spyOn(propagation, 'inject'),
    ]
    void through(spyOf<unknown, unknown>(out).handler)(input)
    for (const use of uses) expect(use).not.toHaveBeenCalled()
  })

  it('allocates nothing', () => {
    const send = through(() => out)
    const times = 100_000
    grownBytes(() => send(input), times)
    // The smallest object takes 12 bytes or more.
    expect(grownBytes(() => send(input), times)).toBeLessThan(times * 4)
    const kept: unknown[] = new Array(times)
    let i = 0
    expect(grownBytes(() => (kept[i++ % times] = { i }), times)).toBeGreaterThan(times * 4)
  })
})
