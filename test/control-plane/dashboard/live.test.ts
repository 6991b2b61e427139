import { describe, expect, it } from 'vitest'
import { EVERY_MS, Live } from '../../../src/control-plane/dashboard/live.js'

/** A browser whose time passes only when a test says so. */
function surroundings() {
  const tasks = new Set<{ readonly task: () => void; readonly at: number }>()
  const state = { now: 0, isHidden: false, asked: [] as string[], answer: (_path: string): unknown => ({ ok: true }) }
  const live = new Live({
    now: () => state.now,
    isHidden: () => state.isHidden,
    schedule: (task, delayMs) => {
      const entry = { task, at: state.now + delayMs }
      tasks.add(entry)
      return () => void tasks.delete(entry)
    },
    fetch: async (path, signal) => {
      state.asked.push(path)
      const answer = state.answer(path)
      if (answer === 'silence') return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
      if (answer instanceof Error) throw answer
      const { status = 200, ...body } = answer as { status?: number }
      return { ok: status < 400, status, json: async () => body }
    },
  })
  const pass = async (ms: number): Promise<void> => {
    const until = state.now + ms
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const next = [...tasks].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      tasks.delete(next)
      state.now = Math.max(state.now, next.at)
      next.task()
    }
    state.now = until
  }
  const heard: string[] = []
  const subscribe = (path: string): (() => void) => live.subscribe(path, () => heard.push(path))
  return { live, state, pass, subscribe, heard }
}

describe('asking again and again', () => {
  it('asks each second for what is on the screen, and for nothing else', async () => {
    const { state, pass, subscribe, live } = surroundings()
    const leave = subscribe('/a')
    subscribe('/b')
    await pass(3 * EVERY_MS)
    expect(state.asked.filter((path) => path === '/a')).toHaveLength(4)
    expect(live.connection.state).toBe('live')
    leave()
    state.asked = []
    await pass(2 * EVERY_MS)
    expect(state.asked).toEqual(['/b', '/b'])
  })

  it('asks more and more seldom while nobody answers, at least every ten seconds, and keeps the last answer', async () => {
    const { state, pass, subscribe, live } = surroundings()
    state.answer = () => ({ n: 1 })
    subscribe('/a')
    await pass(0)
    state.answer = () => new Error('refused')
    state.asked = []
    await pass(60_000)
    expect(state.asked.length).toBeGreaterThanOrEqual(8)
    expect(state.asked.length).toBeLessThanOrEqual(11)
    expect(live.connection).toMatchObject({ state: 'lost', lostAt: EVERY_MS })
    expect(live.connection.nextTryAt - state.now).toBeLessThanOrEqual(10_000)
    expect(live.asked('/a').answer).toEqual({ n: 1 })

    state.answer = () => ({ n: 2 })
    live.resume()
    await pass(0)
    expect(live.connection.state).toBe('live')
    expect(live.asked('/a').answer).toEqual({ n: 2 })
  })

  it('takes silence for nobody, after some seconds', async () => {
    const { state, pass, subscribe, live } = surroundings()
    state.answer = () => 'silence'
    subscribe('/a')
    await pass(4_900)
    expect(live.connection.state).toBe('starting')
    await pass(200)
    expect(live.connection.state).toBe('lost')
  })

  it('is silent while the page is hidden, and asks at once when it is seen again', async () => {
    const { state, pass, subscribe, live } = surroundings()
    subscribe('/a')
    await pass(0)
    state.isHidden = true
    live.seen()
    state.asked = []
    await pass(30_000)
    expect(state.asked).toEqual([])
    state.isHidden = false
    live.seen()
    await pass(0)
    expect(state.asked).toEqual(['/a'])
  })

  it('is paused by the reader, answers a new question all the same, and stays paused when seen again', async () => {
    const { state, pass, subscribe, live } = surroundings()
    subscribe('/a')
    await pass(0)
    live.pause()
    live.seen()
    state.asked = []
    await pass(10_000)
    expect(state.asked).toEqual([])
    subscribe('/b')
    await pass(10_000)
    expect(state.asked).toEqual(['/a', '/b'])
    expect(live.connection.state).toBe('paused')
    live.resume()
    await pass(EVERY_MS)
    expect(live.connection.state).toBe('live')
  })

  it('tells why a question was refused; the others go on', async () => {
    const { state, pass, subscribe, live } = surroundings()
    state.answer = (path) => (path === '/bad' ? { status: 404, detail: 'no trace' } : { n: 1 })
    subscribe('/bad')
    subscribe('/a')
    await pass(0)
    expect(live.asked('/bad').problem).toEqual({ status: 404, detail: 'no trace' })
    expect(live.asked('/a').answer).toEqual({ n: 1 })
    expect(live.connection.state).toBe('live')
  })
})
