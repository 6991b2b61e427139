import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { createMesh, fixed, type Mesh } from '../../src/index.js'
import { startTelemetry } from '../../src/otel.js'
import type { CollectorMood } from '../support/programs/collector.js'
import { startServers } from '../support/servers.js'
import { percentile, startCalls } from '../support/steady-calls.js'

const PER_SEC = 100
const ROUND_MS = 2_500
const PAIRS = 4
/** A busy machine shows differences where there are none; where there is one, it shows it every time. */
const TRIES = 3

async function startCollector(): Promise<{ readonly url: string; become(mood: CollectorMood): Promise<void> }> {
  const child = fork(fileURLToPath(new URL('../support/programs/collector.ts', import.meta.url)), { execArgv: ['--import', 'tsx'] })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const [port] = (await once(child, 'message')) as [number]
  return {
    url: `http://127.0.0.1:${port}`,
    async become(mood) {
      const done = once(child, 'message')
      child.send(mood)
      await done
    },
  }
}

async function round(mesh: Mesh): Promise<readonly number[]> {
  const calls = startCalls(mesh, PER_SEC)
  await pause(ROUND_MS)
  const { lost, latenciesMs } = await calls.stop()
  expect(lost).toEqual([])
  return latenciesMs
}

it('a collector that hangs, refuses, drips or cuts fails no call, and p99 is that of its twin with one that is well', async () => {
  const collector = await startCollector()
  const { addresses } = await startServers(2)
  // Everything is sent at once and often, so that what is slow is felt.
  const telemetry = await startTelemetry({ service: 'orders', endpoint: collector.url, spanIntervalMs: 50, metricIntervalMs: 200 })
  onTestFinished(() => telemetry.shutdown())
  const mesh = createMesh({ service: 'orders', registry: fixed({ users: [...addresses] }) })
  onTestFinished(() => mesh.close())
  await round(mesh)

  const figures: Record<string, number[]> = {}
  for (const mood of ['hangs', 'refuses', 'drips', 'cuts'] as const) {
    const ratios: number[] = (figures[mood] = [])
    while (ratios.length < TRIES && !ratios.some((ratio) => ratio <= 1.05)) {
      const [well, ailing]: number[][] = [[], []]
      for (let i = 0; i < PAIRS; i++) {
        await collector.become('well')
        well!.push(...(await round(mesh)))
        await collector.become(mood)
        ailing!.push(...(await round(mesh)))
      }
      const [twin, own] = [well!, ailing!].map((all) => percentile(all.sort((a, b) => a - b), 0.99)) as [number, number]
      ratios.push(own / twin)
    }
  }
  expect(Object.entries(figures).filter(([, ratios]) => Math.min(...ratios) > 1.05), JSON.stringify(figures)).toEqual([])
})
