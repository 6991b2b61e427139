import { once } from 'node:events'
import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { openAdmin } from '../../src/admin/listener.js'
import { seededRandom } from '../../src/base/random.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import { FakeClock } from '../support/fake-clock.js'

const attempted: MeshEvents['attempted'] = {
  service: 'users', endpoint: 'users-1', method: 'GET', route: undefined, status: 200, durationMs: 1, error: undefined, resends: 0, hedge: false, traceId: undefined,
}

async function scene() {
  const clock = new FakeClock()
  const events = new Events()
  const views = { metrics: () => '', snapshot: () => ({}), explain: () => undefined, health: () => ({ status: 'serving', ready: true }) as const }
  const admin = openAdmin({ host: '127.0.0.1', port: 0 }, { service: 'orders', views, events, clock, random: seededRandom(1) })
  onTestFinished(() => admin.close())
  const url = await admin.url
  const tap = async (query = ''): Promise<{ asking: ClientRequest; response: IncomingMessage; text: () => string; says(what: string): Promise<void> }> => {
    const asking = request(`${url}/tap${query}`).on('error', () => {}).end()
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    let text = ''
    response.on('error', () => {}).setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    await once(response, 'data')
    return {
      asking,
      response,
      text: () => text,
      async says(what) {
        while (!text.includes(what)) await once(response, 'data')
      },
    }
  }
  return { clock, events, tap }
}

it('a tap is told at most 100 lines a second, and then how many were dropped', async () => {
  const { clock, events, tap } = await scene()
  const { text, says } = await tap()
  for (let i = 0; i < 130; i++) events.emit('attempted', attempted)
  await clock.advance(1_000)
  events.emit('attempted', { ...attempted, endpoint: 'last' })
  await says('"last"')
  expect(text().split('data: {')).toHaveLength(1 + 100 + 1)
  expect(text()).toContain('event: dropped\ndata: 30\n\ndata: {')
})

it('a tap with a ratio is told about that share', async () => {
  const { clock, events, tap } = await scene()
  const { text, says } = await tap('?ratio=0.2')
  const all = await tap()
  for (let second = 0; second < 10; second++) {
    for (let i = 0; i < 100; i++) events.emit('attempted', attempted)
    await clock.advance(1_000)
  }
  for (let i = 0; i < 50; i++) events.emit('attempted', { ...attempted, endpoint: 'last' })
  await Promise.all([says('"last"'), all.says('"last"')])
  const told = text().split('"users-1"').length - 1
  expect(told).toBeGreaterThan(150)
  expect(told).toBeLessThan(250)
})

it('nothing is told while nobody looks, and eight may look at once', async () => {
  const { events, tap } = await scene()
  expect(events.heard('attempted')).toBe(false)
  const taps = await Promise.all(Array.from({ length: 8 }, () => tap()))
  expect(events.heard('attempted')).toBe(true)
  expect((await tap()).response.statusCode).toBe(503)
  for (const { asking } of taps) asking.destroy()
  // Nothing tells when the server has seen them go.
  while (events.heard('attempted')) await new Promise((resolve) => setImmediate(resolve))
  expect(events.heard('served')).toBe(false)
})
