import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createControlPlane, type ControlPlane } from '../../src/control-plane/control-plane.js'
import { consul, createMesh } from '../../src/index.js'
import { start, type Ended, type Program } from '../support/processes.js'

async function runningControlPlane(): Promise<ControlPlane> {
  const controlPlane = await createControlPlane({ port: 0, clientSecret: 'hush' })
  onTestFinished(() => controlPlane.close())
  return controlPlane
}

/** How it ended, which must be within the second that the package promises. */
async function endedWithinASecond(program: Program): Promise<Ended> {
  const tooLate = new Promise<never>((_, reject) => {
    setTimeout(() => reject(new Error('it was still running after a second')), 1_000).unref()
  })
  return Promise.race([program.ended, tooLate])
}

describe('a process of the mesh', () => {
  it('Y04 close() twice is harmless, and the process ends by itself within a second', async () => {
    const controlPlane = await runningControlPlane()
    const program = start('test/flow/programs/user-and-caller.ts', [], { CONSUL_HTTP_ADDR: controlPlane.url })
    await program.says(/closed/)
    const { code, stdout, stderr } = await endedWithinASecond(program)
    expect(stdout).toBe('200 {"hello":"mesh"}\nclosed\n')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const left = await fetch(`${controlPlane.url}/v1/health/service/users`)
    expect(await left.json()).toEqual([])
  })

  it('Y04 ends by itself within a second when only a watch and idle connections are left, close() or not', async () => {
    const controlPlane = await runningControlPlane()
    const server = createServer((_, response) => response.end('hello')).listen(0, '127.0.0.1')
    onTestFinished(() => {
      server.close()
      server.closeAllConnections()
    })
    await once(server, 'listening')
    const users = createMesh({ service: 'users', registry: consul({ address: controlPlane.url }) })
    onTestFinished(() => users.close())
    await users.register({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })

    const program = start('test/flow/programs/watcher.ts', [], { CONSUL_HTTP_ADDR: controlPlane.url })
    await program.says(/idle/)
    const { code, stdout, stderr } = await endedWithinASecond(program)
    expect(stdout).toBe('200 hello\nidle\n')
    expect(stderr).toBe('')
    expect(code).toBe(0)
  })

  it.each([[[]], [['close']]])('Y04 holds no timer while a breaker is open, and ends by itself within a second: %j', async (args) => {
    const program = start('test/flow/programs/open-breaker.ts', args)
    await program.says(/timers/)
    const { code, stdout, stderr } = await endedWithinASecond(program)
    expect([stdout, stderr, code]).toEqual(['open\n0 timers\n', '', 0])
  })

  it('is told MESH_ERR_NOT_READY by an unreachable registry, and does not end before it is', async () => {
    const { code, stdout } = await start('test/flow/programs/unready.ts').ended
    expect(stdout).toBe('ready: MESH_ERR_NOT_READY\ncall: MESH_ERR_NOT_READY\nfetch: MESH_ERR_NOT_READY\n')
    expect(code).toBe(0)
  })
})
