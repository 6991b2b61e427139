import { seededRandom, type Random } from '../../../src/base/random.js'
import { Agenda, VirtualClock } from '../engine/agenda.js'
import { Heap } from '../engine/heap.js'
import { type CreatePolicy, type Policy } from '../engine/policy.js'
import { Requests } from '../engine/request.js'
import { Samples } from '../engine/samples.js'
import { Server } from '../engine/server.js'
import { LeastRequestOfTwo } from '../policies/least-request.js'
import { PeakEwma } from '../policies/peak-ewma.js'
import { RoundRobin } from '../policies/round-robin.js'
import type { Anchor } from './anchor.js'

const REQUESTS = 50_000
/** Its percentiles are of one run; ours of several, so that only theirs is a matter of chance. */
const RUNS = 8
const CONCURRENCY = 50
/** Each endpoint takes anything up to that long, as often one time as another. */
const LONGEST_MS = [1, 10, 10, 10, 10, 100, 100, 100, 100, 1000]
/** It counts in whole milliseconds. */
const UNIT_MS = 1
const QUANTILES = [0.5, 0.9, 0.95, 0.99, 0.999]
const TOLERANCE_RATIO = 0.05

/** What the demo of tower's balancers prints (tower, pull request 76): 50,000 requests, 50 at a time. */
const PUBLISHED: readonly (readonly [string, CreatePolicy, readonly number[]])[] = [
  ['peak EWMA', (context) => new PeakEwma(context), [5, 56, 78, 96, 105]],
  ['least loaded', (context) => new LeastRequestOfTwo(context), [5, 57, 80, 98, 857]],
  ['round robin', (context) => new RoundRobin(context), [9, 98, 496, 906, 988]],
]

export function towerAnchors(): readonly Anchor[] {
  return PUBLISHED.flatMap(([rule, create, published]) => {
    const samples = new Samples()
    for (let run = 1; run <= RUNS; run++) play(create, seededRandom(run), samples)
    return QUANTILES.map((quantile, i) => ({
      name: `tower ${rule}: p${100 * quantile}`,
      published: published[i]!,
      measured: samples.quantile(quantile),
      tolerance: Math.max(UNIT_MS, TOLERANCE_RATIO * published[i]!),
      unit: 'ms',
    }))
  })
}

/** A closed loop: whoever has an answer sends the next request. */
function play(create: CreatePolicy, random: Random, samples: Samples): void {
  const { policy, requests } = client(create, random)
  const underWay = new Heap()
  const send = (nowMs: number): void => {
    const request = requests.take()
    request.server = policy.pick(request, nowMs)
    request.latencyMs = Math.round(LONGEST_MS[request.server]! * random())
    underWay.push(nowMs + request.latencyMs, request.slot)
  }
  for (let i = 0; i < CONCURRENCY; i++) send(0)
  for (let sent = CONCURRENCY; underWay.size > 0; sent++) {
    const nowMs = underWay.leastKey
    const request = requests.bySlot[underWay.pop()]!
    policy.done(request, nowMs)
    samples.add(request.latencyMs)
    requests.release(request)
    if (sent < REQUESTS) send(nowMs)
  }
}

function client(create: CreatePolicy, random: Random): { policy: Policy; requests: Requests } {
  const agenda = new Agenda()
  const requests = new Requests()
  const nobody = (): void => {}
  const surroundings = { agenda, requests, dropsSettled: false, reply: nobody, drop: nobody, changed: nobody }
  const servers = LONGEST_MS.map((_, i) => new Server(i, { discipline: 'queue', cores: 1 }, surroundings))
  const clock = new VirtualClock(agenda)
  const policy = create({ agenda, clock, random, servers, clients: 1, oneWayMs: 0, reports: () => false })
  policy.update(
    servers.map(({ index }) => index),
    0,
  )
  return { policy, requests }
}
