import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { itWithEtcd } from '../support/etcd.js'
import { eventually } from '../support/eventually.js'
import { isRunning, start, type Program } from '../support/processes.js'

// A port of its own for each control plane, so that suites that run side by side do not meet on 7117.
const demo = (...args: readonly string[]): Program => start('examples/users-and-orders/run.ts', args, { NO_COLOR: '1' })

function pidsIn(output: string): readonly number[] {
  return [...output.matchAll(/\bpid (\d+)/g)].map((match) => Number(match[1]))
}

async function staying(): Promise<{ program: Program; url: string; pids: readonly number[] }> {
  const program = demo('--port', '0', '--seconds', '1', '--stay')
  const { input } = await program.says(/Ctrl-C here ends everything/)
  return { program, url: /control plane on (\S+)/.exec(input)![1]!, pids: pidsIn(input) }
}

describe('the demo', () => {
  it('makes claims that all hold, and leaves nothing running', { timeout: 90_000 }, async () => {
    const { code, stdout, stderr } = await demo('--port', '0', '--seconds', '5').ended
    expect(stderr).toBe('')
    expect(stdout).not.toContain('✗')
    expect(stdout.match(/✓/g)).toHaveLength(10)
    expect(stdout).toMatch(/All 10 claims held\.\n$/)
    expect(stdout).toContain('20 × 401 MESH_ERR_UNAUTHENTICATED')
    expect(code).toBe(0)
    expect(pidsIn(stdout)).toHaveLength(5)
    expect(pidsIn(stdout).filter(isRunning)).toEqual([])
  })

  it('stays with --stay; Ctrl-C ends it in order, and nothing outlives it when it is killed', { timeout: 90_000 }, async () => {
    const [interrupted, killed] = await Promise.all([staying(), staying()])
    for (const { url, pids } of [interrupted, killed]) {
      expect((await fetch(`${url}/v1/status/leader`)).status).toBe(200)
      expect(pids.filter(isRunning)).toHaveLength(5)
    }

    // As the demo itself proposes.
    process.kill(interrupted.pids[0]!, 'SIGKILL')
    await eventually(() => expect(isRunning(interrupted.pids[0]!)).toBe(false))
    interrupted.program.kill('SIGINT')
    const { stdout } = await interrupted.program.ended
    expect(stdout).toContain('✓ all 5 processes left the mesh and ended when asked to')
    expect(interrupted.pids.filter(isRunning)).toEqual([])

    killed.program.kill('SIGKILL')
    await eventually(() => expect(killed.pids.filter(isRunning)).toEqual([]))
    await eventually(() => expect(fetch(killed.url)).rejects.toThrow())
  })

  itWithEtcd('runs on a real etcd just as well, which ends with it however it ends', { timeout: 90_000 }, async () => {
    const program = demo('--port', '0', '--seconds', '1', '--stay', '--registry', 'etcd')
    const { input } = await program.says(/Ctrl-C here ends everything/)
    // How the load of one second spreads is not the registry's doing.
    expect(input).toContain('✓ the registry lists 3 instances of users and 2 of orders')
    expect(input).toContain('✓ each order service found all of these user services by itself')
    expect(input).toMatch(/✓ every one of \d+ orders was answered with 200/)
    const etcd = /etcd on (\S+)/.exec(input)![1]!
    expect((await fetch(`${etcd}/health`)).status).toBe(200)
    program.kill('SIGKILL')
    await eventually(() => expect(fetch(etcd)).rejects.toThrow())
    await eventually(() => expect(pidsIn(input).filter(isRunning)).toEqual([]))
  })

  it('says that etcd is not installed, and starts nothing', async () => {
    const program = start('examples/users-and-orders/run.ts', ['--port', '0', '--registry', 'etcd'], { NO_COLOR: '1', PATH: '/nowhere' })
    const { code, stderr, stdout } = await program.ended
    expect(stderr).toContain('etcd is not installed: on Debian and Ubuntu it is in the package etcd-server')
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(stdout).not.toContain('starting')
    expect(code).toBe(1)
  })

  it('knows two registries', async () => {
    const { code, stderr } = await demo('--registry', 'zookeeper').ended
    expect(stderr).toContain("--registry: expected consul or etcd, got 'zookeeper'")
    expect(code).toBe(1)
  })

  it('says that the port of the control plane is taken, and starts nothing', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await new Promise((resolve) => other.once('listening', resolve))
    const { port } = other.address() as AddressInfo

    const { code, stderr, stdout } = await demo('--port', String(port)).ended
    expect(stderr).toContain(`port ${port} on 127.0.0.1 is taken`)
    expect(stderr).toContain('npm run demo -- --port')
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(stdout).not.toContain('starting')
    expect(code).toBe(1)
  })
})
