import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { isInstalled } from '../control-plane/outside.js'

export const hasPrometheus = isInstalled('prometheus', 'prometheus', ['--version'])

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A prometheus of this configuration, until the test ends; its address. */
export async function startPrometheus(config: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'prometheus-'))
  await writeFile(join(folder, 'prometheus.yml'), config)
  const address = `127.0.0.1:${await freePort()}`
  const args = [`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`]
  const child = spawn('prometheus', args, { stdio: 'ignore' })
  onTestFinished(async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true, force: true })
  })
  return `http://${address}`
}
