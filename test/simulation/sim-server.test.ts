import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Agenda, Kind } from '../../bench/sim/engine/agenda.js'
import { Heap } from '../../bench/sim/engine/heap.js'
import { Requests, type Request } from '../../bench/sim/engine/request.js'
import { Server, type ServerShape } from '../../bench/sim/engine/server.js'

interface Bench {
  readonly agenda: Agenda
  readonly server: Server
  /** When each request was answered, in the order of the answers. */
  readonly answeredAtMs: number[]
  send(atMs: number, workMs: number): void
  play(): void
}

function benchOf(shape: ServerShape): Bench {
  const agenda = new Agenda()
  const requests = new Requests()
  const answeredAtMs: number[] = []
  const reply = (): void => void answeredAtMs.push(Math.round(agenda.nowMs * 1000) / 1000)
  const surroundings = { agenda, requests, dropsSettled: false, reply, drop: () => {}, changed: () => {} }
  const server = new Server(0, shape, surroundings)
  const send = (atMs: number, workMs: number): void => {
    const request: Request = requests.take()
    request.workMs = workMs
    agenda.runAt(atMs, () => server.accept(request))
  }
  const play = (): void => {
    while (agenda.next(Infinity)) if (agenda.kind === Kind.wake) server.wake()
  }
  return { agenda, server, answeredAtMs, send, play }
}

describe('a simulated server', () => {
  it('serves first come, first served, one request a core', () => {
    const { send, play, answeredAtMs } = benchOf({ discipline: 'queue', cores: 2 })
    const works = [10, 20, 5, 1]
    works.forEach((workMs, i) => send(i, workMs))
    play()
    expect(answeredAtMs).toEqual([10, 15, 16, 21])
  })

  it('shares its cores between all that is in it', () => {
    const { send, play, answeredAtMs } = benchOf({ discipline: 'sharing', cores: 1 })
    send(0, 10)
    send(5, 10)
    play()
    // Alone for 5 ms, then at half speed each.
    expect(answeredAtMs).toEqual([15, 20])
  })

  it('is never faster than one core for one request', () => {
    const { send, play, answeredAtMs } = benchOf({ discipline: 'sharing', cores: 4 })
    send(0, 10)
    play()
    expect(answeredAtMs).toEqual([10])
  })

  it('goes on after a pause where it stopped', () => {
    const { agenda, server, send, play, answeredAtMs } = benchOf({ discipline: 'queue', cores: 1 })
    send(0, 10)
    agenda.runAt(4, () => server.pause(100))
    agenda.runAt(50, () => server.pause(20))
    play()
    expect(answeredAtMs).toEqual([110])
  })

  it('changes its speed in the midst of a request', () => {
    const { agenda, server, send, play, answeredAtMs } = benchOf({ discipline: 'queue', cores: 1, speed: 2 })
    send(0, 40)
    agenda.runAt(10, () => (server.speed = 0.5))
    agenda.runAt(20, () => (server.speed = 5))
    play()
    // 20 done by 10 ms, 5 more by 20 ms, the last 15 at speed 5.
    expect(answeredAtMs).toEqual([23])
  })

  it('loses all that is in it when it crashes', () => {
    const { agenda, server, send, play, answeredAtMs } = benchOf({ discipline: 'queue', cores: 1 })
    send(0, 10)
    send(0, 10)
    const lost: Request[] = []
    agenda.runAt(5, () => server.lose((request) => lost.push(request)))
    play()
    expect(answeredAtMs).toEqual([])
    expect(lost).toHaveLength(2)
  })
})

describe('the heap', () => {
  it('gives back what it was given, the least key first', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true })), (keys) => {
        const heap = new Heap()
        keys.forEach((key, i) => heap.push(key, i))
        const taken: number[] = []
        while (heap.size > 0) taken.push(keys[heap.pop()]!)
        expect(taken).toEqual([...keys].sort((a, b) => a - b))
      }),
    )
  })
})
