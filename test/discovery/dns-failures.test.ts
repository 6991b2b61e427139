import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { dns } from '../../src/discovery/dns.js'
import { BrokenDns, type Breakage } from './support/broken-dns.js'
import { follow, type Following } from './support/follow.js'

async function breakDns(breakage: Breakage): Promise<BrokenDns> {
  const broken = await BrokenDns.start(breakage)
  onTestFinished(() => broken.close())
  return broken
}

function watch({ server }: BrokenDns, timeoutMs: number): Following {
  return follow(dns({ name: '{service}.mesh.test', type: 'A', port: 80, servers: [server], timeoutMs }), 'users')
}

/** Runs a script in a process of its own to its end, and tells its exit code; one that something keeps alive ends with 3. */
async function run(script: string, { server }: BrokenDns): Promise<number | null> {
  const ground = `
    import { dns } from './src/discovery/dns.ts'
    const { signal } = new AbortController()
    const follow = (options) => dns({ name: '{service}.mesh.test', servers: ['${server}'], ...options }).watch('users', { signal })
  `
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', ground + script], {
    stdio: ['ignore', 'inherit', 'inherit'],
    cwd: new URL('../..', import.meta.url),
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return code
}

describe('a name server that does not answer', () => {
  it.each<[Breakage, string]>([
    ['SERVFAIL', 'ESERVFAIL'],
    ['REFUSED', 'EREFUSED'],
    ['silence', 'no answer within 200 ms'],
  ])('is a failure and not an empty service: %s', async (breakage, reason) => {
    const users = watch(await breakDns(breakage), 200)
    await expect(users.next()).rejects.toMatchObject({
      code: 'MESH_ERR_REGISTRY',
      message: `DNS does not tell A of 'users.mesh.test': ${reason}`,
    })
  })

  it('is asked a second time, for a packet may be lost', async () => {
    const broken = await breakDns('silence')
    await expect(watch(broken, 400).next()).rejects.toThrow('no answer')
    expect(broken.questions).toBe(2)
  })

  it('holds nobody who leaves meanwhile', { timeout: 5_000 }, async () => {
    const broken = await breakDns('silence')
    const users = watch(broken, 60_000)
    const next = users.next()
    await expect.poll(() => broken.questions).toBe(1)
    await users.stop()
    expect(await next).toBeUndefined()
  })

  it('keeps no process alive but for the time of its one question', async () => {
    const script = `
      follow({ timeoutMs: 100 }).next().catch(() => {})
      setTimeout(() => process.exit(3), 10_000).unref()
    `
    expect(await run(script, await breakDns('silence'))).toBe(0)
  })

  it('says so for a name that cannot be asked for', async () => {
    const users = follow(dns({ name: () => 'x'.repeat(64) }), 'users')
    await expect(users.next()).rejects.toMatchObject({ code: 'MESH_ERR_REGISTRY', message: expect.stringContaining('EBADNAME') })
  })
})

describe('registering in DNS', () => {
  it('is left to those who write the zone: nothing is done, and nothing can be lost', async () => {
    const instance = {
      service: 'users',
      id: 'u1',
      host: 'h',
      port: 1,
      weight: 1,
      zone: undefined,
      region: undefined,
      metadata: {},
    }
    const { deregister } = await dns({ name: '{service}.test' }).register(instance, { signal: new AbortController().signal })
    await expect(deregister()).resolves.toBeUndefined()
  })
})
