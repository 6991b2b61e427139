import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { outlierDefaults } from '../../src/balancer/outlier.js'
import { meshErrorIn } from '../../src/base/errors.js'
import type { Mesh } from '../../src/index.js'
import type { FaultProxy } from '../../src/testing.js'
import { collectGarbage } from '../support/collect-garbage.js'
import { callerOf, disturbed, load, rawInstance, show, type LoadFigures } from '../support/network-scene.js'
import { start, type Program } from '../support/processes.js'

/** The base scene's: 2 s for a call, and a quarter of it for an attempt, so that three fit in. */
const PATIENCE = { timeoutMs: 2_000, attemptTimeoutMs: 500 }

interface Pick {
  readonly endpoint: string
  readonly atMs: number
}

/** When which endpoint was picked. */
function picksOf(mesh: Mesh): readonly Pick[] {
  const picks: Pick[] = []
  mesh.on('picked', ({ endpoint }) => void picks.push({ endpoint, atMs: performance.now() }))
  return picks
}

async function plainInstance(): Promise<{ program: Program; port: number }> {
  const program = start('test/support/programs/kilobyte-instance.ts')
  return { program, port: Number((await program.says(/serves on (\d+)\n/))[1]) }
}

async function disturbedFive(): Promise<readonly FaultProxy[]> {
  return Promise.all(Array.from({ length: 5 }, async () => disturbed((await plainInstance()).port)))
}

/** Some 100 calls a second for so long, 8 at most under way. */
function steady(mesh: Mesh, seconds: number): Promise<LoadFigures> {
  return load(mesh, { calls: seconds * 100, before: () => pause(75) })
}

/** What a machine that is busy may add to anything. */
const ROOM_MS = 1_000

describe('an instance that falls silent', () => {
  it('N03 on every connection: in-flight calls end by the deadline, it is used no more after one timeout, and no GET is lost', async () => {
    const ways = await disturbedFive()
    const ports = ways.map(({ port }) => port)
    const twin = await steady(await callerOf(ports, PATIENCE), 3)

    const mesh = await callerOf(ports, PATIENCE)
    await steady(mesh, 2)
    const picks = picksOf(mesh)
    const silentAtMs = performance.now()
    await ways[0]!.set({ silent: true })
    const figures = await steady(mesh, 8)
    show('N03', figures, twin)
    const after = picks.filter(({ endpoint, atMs }) => endpoint === `users-${ports[0]}` && atMs > silentAtMs)
    const late = after.filter(({ atMs }) => atMs > silentAtMs + PATIENCE.attemptTimeoutMs + ROOM_MS)
    process.stdout.write(`N03: picked ${after.length} times after it fell silent, ${late.length} of them later than one timeout\n`)
    expect(figures.lost).toEqual([])
    expect(figures.extra).toBeLessThanOrEqual(1.02)
    expect(figures.latenciesMs.at(-1)! - figures.stalledMs).toBeLessThan(PATIENCE.timeoutMs + ROOM_MS)
    // It is asked again now and then, by one call at a time.
    expect(late.length).toBeLessThanOrEqual(3)
  })

  it('N04 stopped for 30 s: as N03, and back within one ejection time of waking up', async () => {
    const instances = await Promise.all(Array.from({ length: 5 }, plainInstance))
    const ports = instances.map(({ port }) => port)
    const mesh = await callerOf(ports, PATIENCE)
    const twin = await steady(mesh, 3)
    const stopped = `users-${ports[0]}`
    const picks = picksOf(mesh)
    const stoppedAtMs = performance.now()
    instances[0]!.program.kill('SIGSTOP')
    const figures = await steady(mesh, 30)
    show('N04', figures, twin)
    const during = picks.filter(({ endpoint }) => endpoint === stopped)
    const late = during.filter(({ atMs }) => atMs > stoppedAtMs + PATIENCE.attemptTimeoutMs + ROOM_MS)
    process.stdout.write(`N04: picked ${during.length} times while it was stopped, ${late.length} of them later than one timeout\n`)

    instances[0]!.program.kill('SIGCONT')
    const wokenAtMs = performance.now()
    const answered = new Set<string>()
    // An ejection lasts up to a fifth longer than its base.
    while (performance.now() < wokenAtMs + 1.2 * outlierDefaults.baseEjectionMs && !answered.has(stopped)) {
      const reply = await mesh.service('users').get('/')
      await reply.text()
      answered.add(reply.endpoint.id)
      await pause(10)
    }
    process.stdout.write(`N04: back ${Math.round(performance.now() - wokenAtMs)} ms after it was woken\n`)
    expect(figures.lost).toEqual([])
    expect(figures.extra).toBeLessThanOrEqual(1.02)
    expect(figures.latenciesMs.at(-1)! - figures.stalledMs).toBeLessThan(PATIENCE.timeoutMs + ROOM_MS)
    expect(late.length).toBeLessThanOrEqual(10)
    expect(answered).toContain(stopped)
  })
})

describe('a bad network', () => {
  it.each([
    ['N20 5 % of the packets lost', { stallRatio: 0.05 }],
    ['N21 100 ms more for a round trip', { latencyMs: 50 }],
  ] as const)('%s: at least 99.9 %% of the calls succeed, with at most 1.2 attempts each', async (name, faults) => {
    const ways = await disturbedFive()
    const ports = ways.map(({ port }) => port)
    // Two losses in a row of one packet are 600 ms, and nothing that an attempt need be given up for.
    const patience = { ...PATIENCE, attemptTimeoutMs: 1_000 }
    const spread = { atOnce: 10, before: () => pause(50) }
    const twin = await load(await callerOf(ports, patience), { calls: 500, ...spread })
    await Promise.all(ways.map((way) => way.set(faults)))
    const figures = await load(await callerOf(ports, patience), { calls: 2_000, ...spread })
    show(name.slice(0, 3), figures, twin)
    expect(figures.lost.length).toBeLessThanOrEqual(2)
    expect(figures.extra).toBeLessThanOrEqual(1.2)
    if ('latencyMs' in faults) expect(figures.p50Ms).toBeGreaterThanOrEqual(100)
    else expect(ways.reduce((sum, { counts }) => sum + counts.stalls, 0)).toBeGreaterThan(100)
  })
})

describe('a peer that goes on for ever', () => {
  const CALLS = 20

  async function held(): Promise<number> {
    await collectGarbage()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }

  /** So many calls at the same time: how each ended, after how long, and what they held half-way, each. */
  async function endings(call: () => Promise<unknown>): Promise<{ failures: ReadonlySet<string>; lastMs: number; heldEach: number }> {
    const before = await held()
    const begunAtMs = performance.now()
    const ended = Promise.all(
      Array.from({ length: CALLS }, async () => {
        const failure = meshErrorIn(await call().then(() => undefined, (error: unknown) => error))
        return { failure: `${failure?.code}`, afterMs: performance.now() - begunAtMs }
      }),
    )
    await pause(PATIENCE.timeoutMs / 2)
    const heldEach = ((await held()) - before) / CALLS
    const results = await ended
    return { failures: new Set(results.map(({ failure }) => failure)), lastMs: Math.max(...results.map(({ afterMs }) => afterMs)), heldEach }
  }

  it.each([
    ['a stream without end', () => Readable.from((function* () { for (;;) yield Buffer.alloc(16_384) })())],
    ['ten megabytes', (() => { const bytes = Buffer.alloc(10_000_000); return () => bytes })()],
  ])('N25 that never reads the body, %s: the call ends by the deadline, and holds at most 1 MiB', async (name, body) => {
    const deaf = await rawInstance((socket) => void socket.pause())
    const mesh = await callerOf([deaf], { ...PATIENCE, attemptTimeoutMs: PATIENCE.timeoutMs })
    const { failures, lastMs, heldEach } = await endings(() => mesh.service('users').post('/', { body: body() }))
    process.stdout.write(`N25 ${name}: ${[...failures].join()}, the last one after ${Math.round(lastMs)} ms, +${Math.round(heldEach / 1024)} KiB each\n`)
    expect(failures).toEqual(new Set(['MESH_ERR_DEADLINE']))
    // Looking at the memory takes its time, and nothing else happens meanwhile.
    expect(lastMs).toBeLessThan(3 * PATIENCE.timeoutMs)
    expect(heldEach).toBeLessThan(1024 * 1024)
  })

  it('N26 that answers one byte a second: the call ends by the deadline, and holds at most 1 MiB', async () => {
    const slow = await rawInstance((socket) => {
      let timer: NodeJS.Timeout | undefined
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1024\r\n\r\n')
        timer = setInterval(() => socket.write('x'), 1_000)
      })
      socket.on('close', () => clearInterval(timer))
    })
    const mesh = await callerOf([slow], PATIENCE)
    const { failures, lastMs, heldEach } = await endings(async () => (await mesh.service('users').get('/')).text())
    process.stdout.write(`N26: ${[...failures].join()}, the last one after ${Math.round(lastMs)} ms, +${Math.round(heldEach / 1024)} KiB each\n`)
    expect(failures).toEqual(new Set(['MESH_ERR_DEADLINE']))
    // Looking at the memory takes its time, and nothing else happens meanwhile.
    expect(lastMs).toBeLessThan(3 * PATIENCE.timeoutMs)
    expect(heldEach).toBeLessThan(1024 * 1024)
  })
})
