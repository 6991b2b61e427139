import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { startFleet, startLoad, stopWithGrace, type Fleet, type LoadReport } from '../support/fleet.js'
import type { Program } from '../support/processes.js'

/** What Kubernetes gives. */
const GRACE_MS = 30_000

/** No second try: what is not lost here is not lost by the draining itself. */
const FIRST_TRY = { retry: { maxResends: 0 } }

function show(name: string, { perSec, calls, lost, resent }: LoadReport): void {
  const by = (method: string): number => lost.filter((call) => call.method === method).length
  process.stdout.write(
    `${name}: ${perSec}/s, GET ${calls.GET} (lost ${by('GET')}), POST ${calls.POST} (lost ${by('POST')}), tried again ${resent}\n`,
  )
}

/** Ids of the POSTs that the application was given more than once. */
function duplicates(fleet: Fleet): string[] {
  return [...fleet.processed()].filter(([id, times]) => id.startsWith('POST') && times > 1).map(([id]) => id)
}

async function startThree(fleet: Fleet): Promise<Program> {
  const [first] = await Promise.all([fleet.startOne(), fleet.startOne(), fleet.startOne()])
  return first
}

describe('draining', () => {
  it.each([200, 2_000, 10_000])('D01 SIGTERM loses nothing, even without a second try, when callers hear of it %i ms late', async (lagMs) => {
    const fleet = await startFleet()
    const first = await startThree(fleet)
    const orders = await fleet.caller(FIRST_TRY, lagMs)
    const load = startLoad(orders, { perSec: 200, workMs: 20 })
    await pause(1_000)
    const { signal, stderr } = await stopWithGrace(first, GRACE_MS)
    await pause(Math.max(2_000, lagMs - 4_000))
    const report = await load.stop()
    show(`D01 drained, ${lagMs} ms late`, report)
    expect({ signal, stderr }).toEqual({ signal: 'SIGTERM', stderr: '' })
    expect(report.lost).toEqual([])
    expect(duplicates(fleet)).toEqual([])
  })

  it.each([200, 2_000, 10_000])('D01 the same load loses calls to an instance that closes first, then leaves: %i ms', async (lagMs) => {
    const fleet = await startFleet({ onSigterm: 'close first' })
    const first = await startThree(fleet)
    const orders = await fleet.caller(FIRST_TRY, lagMs)
    const load = startLoad(orders, { perSec: 200, workMs: 20 })
    await pause(1_000)
    // It may well not end by itself: the connections that it has left open go on being used.
    await stopWithGrace(first, 3_000)
    await pause(1_000)
    const report = await load.stop()
    show(`D01 closed first, ${lagMs} ms late`, report)
    expect(report.lost.length).toBeGreaterThan(0)
  })

  it('D02 a rolling restart of five under 500 calls a second loses nothing and does nothing twice', async () => {
    const fleet = await startFleet()
    let instances = await Promise.all(Array.from({ length: 5 }, () => fleet.startOne()))
    const orders = await fleet.caller()
    const load = startLoad(orders, { perSec: 500, workMs: 10 })
    for (const old of instances) {
      expect((await stopWithGrace(old, GRACE_MS)).signal).toBe('SIGTERM')
      instances = [...instances.slice(1), await fleet.startOne()]
    }
    await pause(1_000)
    const report = await load.stop()
    show('D02 rolling restart', report)
    expect(report.lost).toEqual([])
    expect(duplicates(fleet)).toEqual([])
    expect(fleet.processed().size).toBe(report.calls.GET + report.calls.POST)
  })

  it('D03 SIGKILL loses no GET, says of each POST in flight that it may have been done, and does none twice', async () => {
    const fleet = await startFleet()
    const instances = await Promise.all(Array.from({ length: 5 }, () => fleet.startOne()))
    const orders = await fleet.caller()
    const load = startLoad(orders, { perSec: 300, workMs: 100 })
    await pause(2_000)
    instances[0]!.kill('SIGKILL')
    await pause(5_000)
    const report = await load.stop()
    show('D03 SIGKILL', report)
    expect(report.lost.filter(({ method }) => method === 'GET')).toEqual([])
    expect(report.lost.length).toBeGreaterThan(0)
    expect(new Set(report.lost.map(({ error }) => `${error?.code} ${error?.processed}`))).toEqual(new Set(['MESH_ERR_CONNECTION maybe']))
    expect(duplicates(fleet)).toEqual([])
  })

  it('D04 a request that takes 25 s when SIGTERM comes is completed within 30 s of grace', async () => {
    const fleet = await startFleet()
    const instance = await fleet.startOne()
    const orders = await fleet.caller({ timeoutMs: 40_000, attemptTimeoutMs: 40_000 })
    const answered = orders.service('users').post('/busy/25000', { headers: { 'x-request-id': 'POST-slow' } })
    await expect.poll(() => fleet.processed().size, { timeout: 5_000 }).toBe(1)
    const ended = await stopWithGrace(instance, GRACE_MS)
    const reply = await answered
    expect([reply.status, reply.attempts, await reply.json()]).toEqual([200, 1, { method: 'POST' }])
    expect(ended).toMatchObject({ signal: 'SIGTERM', stderr: '' })
    expect(ended.stdout).toContain('drained')
  })

  it('D05 without a registry it drains by what its answers say alone', async () => {
    const fleet = await startFleet()
    const first = await startThree(fleet)
    const orders = await fleet.caller(FIRST_TRY)
    const load = startLoad(orders, { perSec: 200, workMs: 20 })
    await pause(1_000)
    await fleet.controlPlane.close()
    const { signal } = await stopWithGrace(first, GRACE_MS)
    await pause(2_000)
    const report = await load.stop()
    show('D05 no registry', report)
    expect(signal).toBe('SIGTERM')
    expect(report.lost).toEqual([])
    expect(duplicates(fleet)).toEqual([])
  })
})
