import { describe, expect, it } from 'vitest'
import { eventually } from '../support/eventually.js'
import { isRunning, start, type Program } from '../support/processes.js'

const bench = (...args: readonly string[]): Program => start('bench/balancing.ts', args)

describe('the bench on real sockets', () => {
  it('sets two rules side by side, and leaves no process behind', { timeout: 90_000 }, async () => {
    const { code, stdout, stderr } = await bench(
      ...['--json', '--seconds', '0.5', '--rounds', '1', '--scenario', 'restart', '--rule', 'adaptive', '--rule', 'round-robin'],
    ).ended
    expect(code, stderr).toBe(0)
    const { scenarios, skipped, calm, processes } = JSON.parse(stdout)
    expect(skipped).toEqual({})
    expect(Object.keys(scenarios)).toEqual(['restart'])
    expect(Object.keys(scenarios.restart)).toEqual(['adaptive', 'round-robin'])
    for (const figures of Object.values<Record<string, number>>(scenarios.restart)) {
      expect(figures.p50Ms).toBeGreaterThan(0)
      expect(figures.p99Ms).toBeGreaterThanOrEqual(figures.p50Ms!)
      expect(figures.errorRatio).toBeGreaterThanOrEqual(0)
      expect(figures.p99Ratio).toMatchObject({ median: expect.any(Number) as number })
    }
    expect(scenarios.restart.adaptive.p99Ratio.median).toBe(1)
    // Whoever is told by nobody calls closed ports.
    expect(Object.keys(scenarios.restart['round-robin'].failures)).toContain('ECONNREFUSED')
    expect(calm.lateP99Ms.median).toBeGreaterThanOrEqual(0)

    expect(processes).toHaveLength(7)
    expect(processes.filter(isRunning)).toEqual([])
  })

  it('ends all that it has started when it is interrupted, also a server that is stopped', { timeout: 90_000 }, async () => {
    const program = bench('--seconds', '60', '--rounds', '1', '--scenario', 'equal', '--rule', 'adaptive')
    const pids = (await program.says(/^processes: ([\d ]+)$/m))[1]!.split(' ').map(Number)
    expect(pids.filter(isRunning)).toHaveLength(7)
    process.kill(pids.at(-1)!, 'SIGSTOP')

    program.kill('SIGINT')
    expect((await program.ended).code).toBe(130)
    await eventually(() => expect(pids.filter(isRunning)).toEqual([]))
  })

  it('names what it knows when it is asked for something else, and starts nothing', { timeout: 90_000 }, async () => {
    const { code, stdout, stderr } = await bench('--rule', 'ours').ended
    expect(stderr).toContain('--rule: expected one of adaptive, adaptive+reports, adaptive+spill, balanced-pool')
    expect(stdout).toBe('')
    expect(code).toBe(1)
  })
})
