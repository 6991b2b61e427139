import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createMesh, fixed } from 'sidecarless'
import { createControlPlane } from 'sidecarless/testing'
import { Pool } from 'undici'

/**
 * What a meshed call costs beside a bare one: user and system CPU of this process and time per call, in rounds that
 * take turns, so that the ratio holds on a machine whose speed drifts.
 */
const ROUNDS = 15
const CALLS = 4_000
const CONCURRENCY = 16

interface Round {
  readonly cpuMicros: number
  readonly p50Micros: number
}

async function round(call: () => Promise<unknown>): Promise<Round> {
  const latencies: number[] = []
  let left = CALLS
  const before = process.cpuUsage()
  await Promise.all(
    Array.from({ length: CONCURRENCY }, async () => {
      while (left-- > 0) {
        const startedAt = performance.now()
        await call()
        latencies.push(performance.now() - startedAt)
      }
    }),
  )
  const cpu = process.cpuUsage(before)
  return { cpuMicros: (cpu.user + cpu.system) / CALLS, p50Micros: median(latencies) * 1000 }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]!
}

const server = fork(new URL('./server.ts', import.meta.url), { execArgv: ['--import', 'tsx'] })
const [port] = (await once(server, 'message')) as [number]
const plane = await createControlPlane({ port: 0, clients: { bench: 'secret' } })
const mesh = createMesh({
  service: 'bench',
  registry: fixed({ users: [`127.0.0.1:${port}`] }),
  identity: { issuer: plane.url, clientSecret: 'secret' },
})
const pool = new Pool(`http://127.0.0.1:${port}`)
const users = mesh.service('users')

const bare = async (): Promise<string> => {
  const { body } = await pool.request({ method: 'GET', path: '/users/42' })
  return body.text()
}
const meshed = async (): Promise<string> => (await users.get('/users/42')).text()

const bareRounds: Round[] = []
const meshedRounds: Round[] = []
for (let i = -3; i < ROUNDS; i++) {
  const pair = [await round(bare), await round(meshed)] as const
  // The first rounds warm the code up.
  if (i < 0) continue
  bareRounds.push(pair[0])
  meshedRounds.push(pair[1])
}
const result = (['cpuMicros', 'p50Micros'] as const).map((figure) => ({
  figure,
  bare: median(bareRounds.map((r) => r[figure])),
  meshed: median(meshedRounds.map((r) => r[figure])),
  ratio: median(meshedRounds.map((r, i) => r[figure] / bareRounds[i]![figure])),
}))

if (process.argv.includes('--json')) console.log(JSON.stringify({ node: process.version, rounds: ROUNDS, calls: CALLS, result }))
else {
  console.log(`${ROUNDS} rounds of ${CALLS} calls each, ${CONCURRENCY} at a time, Node ${process.version}; medians, and the median of the ratios pair by pair`)
  for (const { figure, bare: b, meshed: m, ratio } of result) {
    const name = figure === 'cpuMicros' ? 'CPU per call' : 'p50 of a call'
    console.log(`${name.padEnd(14)} bare undici ${b.toFixed(1).padStart(7)} µs   meshed ${m.toFixed(1).padStart(7)} µs   ratio ${ratio.toFixed(2)}`)
  }
}
await mesh.close()
await pool.close()
await plane.close()
server.disconnect()
