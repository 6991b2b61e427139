// A real etcd of one member, for `npm run demo -- --registry etcd`: on free ports, with its data in FOLDER.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

const TRIES = 100
const BETWEEN_TRIES_MS = 100

const folder = process.env.FOLDER!
const [url, peerUrl] = [await freeUrl(), await freeUrl()]
const clients = ['--listen-client-urls', url, '--advertise-client-urls', url]
const peers = ['--listen-peer-urls', peerUrl, '--initial-advertise-peer-urls', peerUrl, '--initial-cluster', `demo=${peerUrl}`]
const etcd = spawn('etcd', ['--name', 'demo', '--data-dir', folder, '--log-level', 'error', ...clients, ...peers], {
  stdio: ['ignore', 'ignore', 'inherit'],
})
etcd.once('error', () => {
  console.error('etcd is not installed: on Debian and Ubuntu it is in the package etcd-server')
  process.exit(1)
})
etcd.once('exit', (code) => process.exit(code ?? 0))
// However this process ends, what it started ends with it, and nothing is left behind.
process.once('exit', () => {
  etcd.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
})
process.once('SIGTERM', () => etcd.kill('SIGTERM'))

await untilItAnswers()
console.log(`etcd on ${url}`)

async function freeUrl(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

async function untilItAnswers(): Promise<void> {
  for (let tried = 0; tried < TRIES; tried++) {
    const answer = await fetch(`${url}/health`).catch(() => undefined)
    if (answer?.ok === true) return
    await pause(BETWEEN_TRIES_MS)
  }
  throw new Error(`etcd does not answer at ${url}`)
}
