import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createControlPlane } from '../../src/control-plane/control-plane.js'
import { consul, createMesh, type Mesh, type Priority, type ShedOptions } from '../../src/index.js'
import { start } from '../support/processes.js'
import { percentile } from '../support/steady-calls.js'

interface Instance {
  readonly port: number
  readonly caller: Mesh
  report(): Promise<{ readonly refusals: number; readonly p50Ms: number; readonly p99Ms: number; readonly inbound: { readonly shed: Record<Priority, number> } }>
}

/** A process that blocks its loop for each request, and a caller that protects neither itself nor it. */
async function startInstance(workMs: number, shed?: ShedOptions | false): Promise<Instance> {
  const controlPlane = await createControlPlane({ port: 0, clientSecret: 'hush' })
  onTestFinished(() => controlPlane.close())
  const program = start('test/support/programs/busy-instance.ts', [], {
    CONSUL_HTTP_ADDR: controlPlane.url,
    WORK_MS: `${workMs}`,
    ...(shed !== undefined && { SHED: JSON.stringify(shed) }),
  })
  const port = Number((await program.says(/registered on (\d+)/))[1])
  const caller = createMesh({
    service: 'orders',
    registry: consul({ address: controlPlane.url }),
    identity: { issuer: controlPlane.url, clientSecret: 'hush' },
    services: {
      users: {
        timeoutMs: 10_000,
        attemptTimeoutMs: 10_000,
        retry: { maxResends: 0 },
        throttle: { requestsPerAccept: 0 },
        breaker: { minCalls: 1_000_000 },
        outlier: { consecutiveFailures: 0 },
        limits: { maxInFlight: 0 },
      },
    },
  })
  onTestFinished(() => caller.close())
  await caller.ready()
  return { port, caller, report: async () => (await fetch(`http://127.0.0.1:${port}/report`)).json() as ReturnType<Instance['report']> }
}

interface Served {
  readonly calls: number
  readonly ok: number
  readonly latenciesMs: readonly number[]
}

/** Calls of each priority at a rate of its own, whatever becomes of the calls before. */
async function load(mesh: Mesh, forMs: number, perSec: Readonly<Record<Priority, number>>): Promise<Record<Priority, Served>> {
  const one = async (priority: Priority): Promise<Served> => {
    const latenciesMs: number[] = []
    const underWay: Promise<void>[] = []
    const startedAt = performance.now()
    let ok = 0
    while (performance.now() - startedAt < forMs) {
      for (const due = ((performance.now() - startedAt) / 1_000) * perSec[priority]; underWay.length < due; ) {
        const calledAt = performance.now()
        underWay.push(
          mesh.service('users').get('/work', { priority }).then(async (reply) => {
            await reply.bytes()
            if (reply.status !== 200) return
            ok++
            latenciesMs.push(performance.now() - calledAt)
          }, () => {}),
        )
      }
      await pause(5)
    }
    await Promise.all(underWay)
    return { calls: underWay.length, ok, latenciesMs: latenciesMs.sort((a, b) => a - b) }
  }
  const [critical, normal, low] = await Promise.all([one('critical'), one('normal'), one('low')])
  return { critical, normal, low }
}

function show(name: string, served: Record<Priority, Served>): void {
  const line = Object.entries(served).map(([priority, { calls, ok, latenciesMs }]) => `${priority} ${((100 * ok) / calls).toFixed(1)} % of ${calls}, p99 ${percentile(latenciesMs, 0.99).toFixed(0)} ms`)
  process.stdout.write(`${name}: ${line.join('; ')}\n`)
}

/** How many calls a second the instance can do, on this machine at this moment: so many callers ask again as soon as they are answered. */
async function capacityOf(mesh: Mesh): Promise<number> {
  const forMs = 3_000
  let answered = 0
  const untilMs = performance.now() + forMs
  const ask = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      // Critical, so that it is not what the instance sheds that is measured.
      await (await mesh.service('users').get('/work', { priority: 'critical' })).bytes()
      answered++
    }
  }
  await Promise.all(Array.from({ length: 4 }, ask))
  return (answered * 1_000) / forMs
}

/** Calls of each priority, as a part of what can be done. */
async function asked(mesh: Mesh, parts: Readonly<Record<Priority, number>>): Promise<Record<Priority, number>> {
  const perSec = await capacityOf(mesh)
  process.stdout.write(`capacity ${perSec.toFixed(0)}/s\n`)
  return { critical: parts.critical * perSec, normal: parts.normal * perSec, low: parts.low * perSec }
}

const THREE_TIMES = { critical: 0.4, normal: 1.1, low: 1.5 }
const ratio = ({ calls, ok }: Served): number => ok / calls

describe('overload', () => {
  it('L07 a loop that is asked three times what it can do sheds low ones first and serves what is critical, which without shedding waits with the rest', async () => {
    const { caller, report } = await startInstance(10, { maxLoopDelayMs: 200, maxUtilization: 0.9 })
    const served = await load(caller, 10_000, await asked(caller, THREE_TIMES))
    const { refusals, p50Ms, p99Ms, inbound } = await report()
    show('L07 shedding', served)
    process.stdout.write(`L07 ${refusals} refusals, p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(2)} ms; ${JSON.stringify(inbound)}\n`)
    expect(ratio(served.critical)).toBeGreaterThanOrEqual(0.99)
    expect(ratio(served.low)).toBeLessThan(ratio(served.normal))
    // The middle one: what a shared machine does to single ones is not the refusal's.
    expect(p50Ms).toBeLessThanOrEqual(5)
    expect(inbound.shed.critical + inbound.shed.low + inbound.shed.normal).toBe(refusals)

    const bare = await startInstance(10, false)
    const unshed = await load(bare.caller, 10_000, await asked(bare.caller, THREE_TIMES))
    show('L07 not shedding', unshed)
    expect(percentile(served.critical.latenciesMs, 0.99)).toBeLessThan(percentile(unshed.critical.latenciesMs, 0.99) / 2)
  })

  it('L07 a loop that keeps up sheds nothing by default, however busy it is', async () => {
    const { caller, report } = await startInstance(10)
    const served = await load(caller, 8_000, await asked(caller, { critical: 0.1, normal: 0.4, low: 0.2 }))
    show('L07 keeping up', served)
    expect((await report()).refusals).toBe(0)
    for (const one of Object.values(served)) expect(ratio(one)).toBe(1)
  })

  it('L12 a thousand slow clients do not slow the others, and are closed within 90 s', async () => {
    // Two that are alike, at the same time on the same machine: what it does to one it does to the other.
    const [attacked, twin] = [await startInstance(1), await startInstance(1)]
    const steady = { critical: 0, normal: 8, low: 0 }
    await Promise.all([load(attacked.caller, 3_000, steady), load(twin.caller, 3_000, steady)])
    const slow = start('test/support/programs/slow-clients.ts', [`${attacked.port}`])
    await slow.says(/all connected/)
    const [attackedServed, twinServed] = await Promise.all([load(attacked.caller, 40_000, steady), load(twin.caller, 40_000, steady)])
    const [, last, first] = await slow.says(/all closed after (\d+) ms, the first after (\d+) ms/)
    const [p99Attacked, p99Twin] = [attackedServed, twinServed].map(({ normal }) => percentile(normal.latenciesMs, 0.99))
    process.stdout.write(`L12 p99 ${p99Attacked!.toFixed(1)} ms, of a twin without them ${p99Twin!.toFixed(1)} ms; closed after ${first} to ${last} ms\n`)
    expect(Number(first)).toBeGreaterThan(40_000)
    expect(Number(last)).toBeLessThanOrEqual(90_000)
    expect(ratio(attackedServed.normal)).toBeGreaterThanOrEqual(ratio(twinServed.normal) - 0.01)
    expect(p99Attacked).toBeLessThanOrEqual(2 * p99Twin!)
  })
})
