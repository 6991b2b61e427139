import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { FakeConsul } from './support/fake-consul.js'

let server: FakeConsul
beforeEach(async () => {
  server = await FakeConsul.start()
})
afterEach(() => server.close())

/** Runs a script of its own process to its end. A process that something still keeps alive is ended with 3. */
async function run(script: string): Promise<{ code: number | null; output: string }> {
  const ground = `
    import { systemClock as clock } from './src/base/clock.ts'
    import { Events } from './src/call/events.ts'
    import { consul } from './src/discovery/consul.ts'
    import { file } from './src/discovery/file.ts'
    import { createRegistrar } from './src/discovery/registrar.ts'
    import { createResolver } from './src/discovery/resolver.ts'
    const ground = { clock, random: Math.random, events: new Events() }
    const endSoon = () => setTimeout(() => process.exit(3), 2_000).unref()
    const instance = { service: 'users', id: 'u1', host: '127.0.0.1', port: 1, weight: 1, metadata: {} }
    const registry = consul({ address: '${server.url}' })
  `
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', ground + script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: new URL('../..', import.meta.url),
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  try {
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, output }
  } finally {
    child.kill('SIGKILL')
  }
}

describe('a process with discovery in it', () => {
  it('ends by itself while services are followed, however the registry is', async () => {
    const script = `
      const follow = (registry) => createResolver({ ...ground, registry, service: 'users' })
      const held = follow(registry)
      follow(file('./package.json'))
      follow(consul({ address: 'http://127.0.0.1:1' }))
      await new Promise((resolve) => {
        const hold = setInterval(() => {}, 1_000)
        held.subscribe(() => resolve(clearInterval(hold)))
      })
      setTimeout(endSoon, 300)
    `
    expect(await run(script)).toEqual({ code: 0, output: '' })
    expect(server.asked.at(-1)?.query['index']).toBe('10')
  })

  it('waits for a registration that is on its way, and for nothing after it', async () => {
    server.instead(/register/, (response) => setTimeout(() => response.writeHead(500).end(), 200))
    const script = `
      ground.random = () => 0.1
      await createRegistrar({ ...ground, registry }).register(instance)
      console.log('stands')
      endSoon()
    `
    expect(await run(script)).toEqual({ code: 0, output: 'stands\n' })
  })

  it('waits until it has been taken out', async () => {
    const script = `
      const registrar = createRegistrar({ ...ground, registry })
      await registrar.register(instance)
      await registrar.deregister()
      console.log('gone')
      endSoon()
    `
    expect(await run(script)).toEqual({ code: 0, output: 'gone\n' })
    expect(server.entries).toEqual([])
  })
})
