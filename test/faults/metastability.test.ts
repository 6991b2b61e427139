import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createMesh, fixed, type Mesh, type ServiceOptions } from '../../src/index.js'
import { NAIVE, PATIENCE } from '../support/naive-policy.js'
import { start, type Program } from '../support/processes.js'

const SERVERS = 2
const SLOTS = 5
const WORK_MS = 100
const PER_SEC = 0.7 * ((SERVERS * SLOTS * 1_000) / WORK_MS)
const WARM_MS = 5_000
const STALL_MS = 10_000
const AFTER_MS = 40_000

interface Scene {
  readonly servers: readonly Program[]
  readonly mesh: Mesh
}

/** Servers of its own, so that two can be shown side by side. */
async function stage(users: ServiceOptions): Promise<Scene> {
  const env = { SLOTS: `${SLOTS}`, WORK_MS: `${WORK_MS}`, MAX_WAITING: '1000' }
  const servers = Array.from({ length: SERVERS }, () => start('test/support/programs/slotted-instance.ts', [], env))
  const ports = await Promise.all(servers.map(async (server) => (await server.says(/listens on (\d+)/))[1]))
  const mesh = createMesh({ service: 'orders', registry: fixed({ users: ports.map((port) => `127.0.0.1:${port}`) }), services: { users } })
  onTestFinished(() => mesh.close())
  await mesh.ready()
  return { servers, mesh }
}

interface Second {
  calls: number
  ok: number
}

/** Calls at a steady rate, whatever becomes of the calls before; gives those that began in each second. */
async function load({ mesh }: Scene, forMs: number): Promise<readonly Second[]> {
  const seconds = Array.from({ length: forMs / 1_000 }, () => ({ calls: 0, ok: 0 }))
  const underWay: Promise<void>[] = []
  const startedAt = performance.now()
  let owed = 0
  for (let passedMs = 0; passedMs < forMs; ) {
    const second = seconds[Math.floor(passedMs / 1_000)]!
    for (; owed >= 1; owed--) {
      second.calls++
      const answer = mesh.service('users').get('/').then(async (reply) => void ((await reply.text()) === 'done' && second.ok++))
      underWay.push(answer.catch(() => {}))
    }
    await pause(5)
    const sinceMs = performance.now() - startedAt - passedMs
    passedMs += sinceMs
    // What a machine that stands still has kept from being called is not made up for all at once.
    owed = Math.min(owed + (sinceMs / 1_000) * PER_SEC, PER_SEC / 10)
  }
  await Promise.all(underWay)
  return seconds
}

/** The share of the calls of these seconds that succeeded. */
function ratio(seconds: readonly Second[]): number {
  return seconds.reduce((sum, { ok }) => sum + ok, 0) / seconds.reduce((sum, { calls }) => sum + calls, 0)
}

describe('a service at 70 % of what it can do that does nothing for 10 s', () => {
  it('L03 answers at least 99 % again within 30 s of the cure, without a restart', async () => {
    const scenes = [await stage(PATIENCE), await stage(NAIVE)]
    const stall = async (): Promise<void> => {
      const servers = scenes.flatMap((scene) => scene.servers)
      await pause(WARM_MS)
      for (const server of servers) server.kill('SIGUSR2')
      await Promise.all(servers.map((server) => server.says(/stalled/)))
      await pause(STALL_MS)
      for (const server of servers) server.kill('SIGUSR2')
      await Promise.all(servers.map((server) => server.says(/goes on/)))
    }
    const [histories] = await Promise.all([Promise.all(scenes.map((scene) => load(scene, WARM_MS + STALL_MS + AFTER_MS))), stall()])
    const curedAt = (WARM_MS + STALL_MS) / 1_000
    const [ours, naive] = histories.map((history) => {
      const back = history.findIndex((_, second) => second > curedAt && ratio(history.slice(second, second + 10)) >= 0.99)
      return { after30: ratio(history.slice(curedAt + 30)), backAfterSec: back === -1 ? Infinity : back - curedAt, calls: history.reduce((sum, { calls }) => sum + calls, 0), history }
    })
    // How it goes without bounds is shown, and claimed in simulation alone: on a machine that is too busy to call often enough, it recovers too.
    for (const [name, shown] of Object.entries({ ours: ours!, naive: naive! })) {
      const perSecond = shown.history.map(({ calls, ok }) => (calls === 0 ? '-' : Math.round((100 * ok) / calls))).join(' ')
      process.stdout.write(`L03 ${name}: ${(shown.calls / ((WARM_MS + STALL_MS + AFTER_MS) / 1_000)).toFixed(0)} of ${PER_SEC.toFixed(0)} calls a second, 99 % from ${shown.backAfterSec} s after the cure on, ${(100 * shown.after30).toFixed(2)} % from 30 s on; by seconds: ${perSecond}\n`)
    }
    expect(ours!.backAfterSec).toBeLessThanOrEqual(30)
    expect(ours!.after30).toBeGreaterThanOrEqual(0.99)
  })
})
