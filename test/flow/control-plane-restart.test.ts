import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import express from 'express'
import { describe, expect, it, onTestFinished } from 'vitest'
import { expressMesh } from '../../src/express.js'
import { createMesh, fixed, type Mesh } from '../../src/index.js'
import { ControlPlaneProcess } from '../support/control-plane-process.js'

/** Calls go on while the control plane is killed and comes back, and a caller that has no token yet joins them. What they were answered. */
async function throughRestart(...args: string[]): Promise<Record<number, number>> {
  const controlPlane = await ControlPlaneProcess.start(...args)
  const address = await startUsers(controlPlane.url)
  const answers: Record<number, number> = {}
  const ask = async (mesh: Mesh): Promise<void> => {
    const reply = await mesh.service('users').get('/')
    await reply.text()
    answers[reply.status] = (answers[reply.status] ?? 0) + 1
  }
  const orders = meshOf('orders', controlPlane.url, address)
  await ask(orders)
  expect(answers).toEqual({ 200: 1 })

  let over = false
  const steady = (async () => {
    while (!over) {
      await ask(orders)
      // Beside other tests on two cores.
      await setTimeout(5)
    }
  })()
  await controlPlane.kill()
  await controlPlane.restart()
  const billing = meshOf('billing', controlPlane.url, address)
  for (let i = 0; i < 50; i++) await ask(billing)
  over = true
  await steady
  return answers
}

function meshOf(service: string, issuer: string, users: string): Mesh {
  // Patient, so that a busy machine is no failure of the control plane's.
  const patient = { timeoutMs: 20_000, attemptTimeoutMs: 20_000 }
  const mesh = createMesh({ service, registry: fixed({ users: [users] }), identity: { issuer, clientSecret: 'hush' }, services: { users: patient } })
  onTestFinished(() => mesh.close())
  return mesh
}

async function startUsers(issuer: string): Promise<string> {
  const mesh = meshOf('users', issuer, '127.0.0.1:1')
  const app = express()
  app.use(expressMesh(mesh, { policy: { allow: [{ from: ['*'] }] }, shed: false }))
  app.get('/', (_, response) => void response.end('hello'))
  const server = createServer(app).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  await once(server, 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('a control plane that is killed and comes back', { timeout: 60_000 }, () => {
  it('with a state file costs no call', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'restart-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const answers = await throughRestart('--state', join(folder, 'state.json'))
    expect(Object.keys(answers)).toEqual(['200'])
    expect(answers[200]).toBeGreaterThan(51)
  })

  it('without one has other keys, and calls are refused: so the test above can fail', async () => {
    expect((await throughRestart())[401]).toBeGreaterThan(0)
  })
})
