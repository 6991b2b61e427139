import { describe, expect, it } from 'vitest'
import type { Trend } from '../../bench/soak/verdict.js'
import { start } from '../support/processes.js'

interface Report {
  readonly calls: { readonly begun: number; readonly ok: number; readonly failed: Readonly<Record<string, number>> }
  readonly faults: Readonly<Record<string, number>>
  readonly trends: Readonly<Record<'caller' | 'instance', Trend>>
  readonly unhandled: Readonly<Record<'caller' | 'instance', readonly string[]>>
  readonly wrong: readonly string[]
}

async function soak(...args: readonly string[]): Promise<Report> {
  const { stdout, stderr } = await start('bench/soak.ts', ['--json', ...args]).ended
  if (stdout === '') throw new Error(`The soak said nothing:\n${stderr}`)
  return JSON.parse(stdout) as Report
}

function show(id: string, { calls, faults, trends: { caller, instance } }: Report): void {
  const change = ([middle, last]: readonly [number, number]): string => `${middle.toFixed(1)} → ${last.toFixed(1)}`
  const trend = ({ handles, descriptors, heapMiB }: Trend): string => `handles ${change(handles)}, descriptors ${change(descriptors)}, heap ${change(heapMiB)} MiB`
  process.stdout.write(`${id}: ${calls.begun} calls, ${calls.ok} answered, ${JSON.stringify(calls.failed)}; faults ${JSON.stringify(faults)}\n`)
  process.stdout.write(`${id}: caller ${trend(caller)}; instance ${trend(instance)}\n`)
}

describe('calls without an end', () => {
  it('Y05 go on in 128 MiB of old space: 500 a second, each of them ends, and no process does', async () => {
    const report = await soak('--minutes', '0.5', '--no-faults', '--old-space', '128')
    show('Y05', report)
    const { calls, wrong } = report
    expect(wrong).toEqual([])
    expect(calls.ok + Object.values(calls.failed).reduce((sum, count) => sum + count, 0)).toBe(calls.begun)
    expect(calls.ok).toBeGreaterThan(0)
  })

  it('Y01 leave nothing behind while everything around them fails: handles and heap stay, and nothing goes uncaught', async () => {
    const report = await soak('--minutes', '2')
    show('Y01', report)
    // Handles and descriptors that grow, calls without an end and errors that nobody caught are among what is wrong.
    expect(report.wrong).toEqual([])
    expect(Object.keys(report.faults).length).toBeGreaterThan(1)
    for (const { heapMiB: [middle, last] } of Object.values(report.trends)) expect(last).toBeLessThanOrEqual(middle + 5)
  })
})
