// Calls the service `users` at its arguments' addresses and tells the collector at the first of them about it.
import { setTimeout as pause } from 'node:timers/promises'
import { createMesh, fixed } from '../../../src/index.js'
import { startTelemetry } from '../../../src/otel.js'
import { startCalls, type CallsReport } from '../steady-calls.js'

export interface RoundOptions {
  readonly perSec: number
  readonly forMs: number
}

const [endpoint, ...addresses] = process.argv.slice(2) as [string, ...string[]]

// Everything is sent at once and often, so that what is slow is felt.
await startTelemetry({ service: 'orders', endpoint, spanIntervalMs: 50, metricIntervalMs: 200 })
const mesh = createMesh({ service: 'orders', registry: fixed({ users: addresses }) })

async function round({ perSec, forMs }: RoundOptions): Promise<CallsReport> {
  const calls = startCalls(mesh, perSec)
  await pause(forMs)
  return calls.stop()
}

process.on('message', (asked: RoundOptions) => void round(asked).then((report) => process.send!(report)))
process.on('disconnect', () => process.exit())
process.send!('ready')
