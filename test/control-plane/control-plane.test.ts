import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { controlPlaneDefaults, createControlPlane, type ControlPlaneOptions } from '../../src/control-plane/control-plane.js'
import { FakeClock } from '../support/fake-clock.js'
import { exchange, register, running } from './running.js'

describe('the control plane', () => {
  it('lists in plain text what it serves, and each path of the list is served', async () => {
    const { ask } = await running()
    const { headers, body } = await ask('/')
    expect(headers['content-type']).toBe('text/plain; charset=utf-8')
    const patterns = body.match(/ \/[\w./{},:-]+/g)!.map((path) => path.trim().replace(/:\w+/, 'x'))
    const paths = patterns.flatMap((path) => {
      const [whole, choices] = /\{(.*)\}/.exec(path) ?? []
      return choices === undefined ? [path] : choices.split(',').map((choice) => path.replace(whole!, choice))
    })
    expect(paths.length).toBeGreaterThan(25)
    for (const path of paths) {
      // Asked in the wrong way, only a path that is there says so.
      expect((await ask(path, { method: 'DELETE' })).status, path).toBe(405)
    }
  })

  it('has the port that services look for by default', () => {
    expect(controlPlaneDefaults).toEqual({ host: '127.0.0.1', port: 7117, keyRotationMs: 86_400_000 })
  })

  it('says which port is taken', async () => {
    const { controlPlane } = await running()
    await expect(createControlPlane({ port: controlPlane.port })).rejects.toMatchObject({
      code: 'MESH_ERR_PORT_TAKEN',
      message: expect.stringContaining(`port ${controlPlane.port} on 127.0.0.1 is taken`),
    })
  })

  it.each<[unknown, string]>([
    [{ prot: 1 }, 'prot: unknown option; expected one of host, port, otlpPort, clients, clientSecret, clientKeys, tokenExchange, audiences, keyRotationMs, stateFile, onStateError, clock, random'],
    [{ port: -1 }, 'port: expected a whole number from 0 to 65535, got -1'],
    [{ port: '7117' }, 'port: expected a whole number from 0 to 65535, got "7117"'],
    [{ host: '0.0.0.0' }, 'host: expected a loopback address or name, since this control plane is for one machine, got'],
    [{ clients: { Orders: 'x' } }, 'clients: expected a service name'],
    [{ clients: { orders: '' } }, 'clients.orders: expected a non-empty string, got ""'],
    [{ keyRotationMs: 60_000 }, 'keyRotationMs: expected a number from 900000 to 31536000000, got 60000'],
    [{ stateFile: '' }, 'stateFile: expected a non-empty string, got ""'],
    [{ clientSecret: '' }, 'clientSecret: expected a non-empty string, got ""'],
    [null, 'options: expected a plain object, got null'],
  ])('refuses %j', async (options, message) => {
    await expect(createControlPlane(options as ControlPlaneOptions)).rejects.toMatchObject({
      code: 'MESH_ERR_OPTION',
      message: expect.stringContaining(message),
    })
  })

  it('takes telemetry on a second port, and nothing else there', async () => {
    const { controlPlane, ask } = await running({ otlpPort: 0 })
    const body = JSON.stringify({ resourceSpans: [] })
    const sent = { method: 'POST', headers: { 'content-type': 'application/json' }, body }
    expect(await exchange(`${controlPlane.otlpUrl}/v1/traces`, sent)).toMatchObject({ status: 200, body: '{}' })
    expect(await exchange(`${controlPlane.otlpUrl}/v1/agent/services`)).toMatchObject({ status: 404 })
    expect(await ask('/v1/traces', sent)).toMatchObject({ status: 200 })
  })

  it('leaves a second port to whoever has it', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void other.close())
    await once(other, 'listening')
    const { controlPlane } = await running({ otlpPort: (other.address() as AddressInfo).port })
    expect(controlPlane.otlpUrl).toBeUndefined()
  })

  it('ends at once with queries blocked, leaves no timer, and twice is harmless', async () => {
    const clock = new FakeClock()
    const { controlPlane, ask } = await running({ clock, otlpPort: 0 })
    await register(ask, 'users-1')
    const index = (await ask('/v1/health/service/users')).headers['x-consul-index']
    const blocked = Array.from({ length: 20 }, () => ask(`/v1/health/service/users?index=${index}`))
    for (const one of blocked) one.catch(() => {})
    await ask('/v1/agent/self')
    await controlPlane.close()
    await controlPlane.close()
    for (const one of blocked) await expect(one).rejects.toThrow()
    expect(clock.pending).toBe(0)
    await expect(exchange(controlPlane.url)).rejects.toThrow('ECONNREFUSED')
  })
})
