import { seededRandom, type Random } from '../../../src/base/random.js'
import { clientStalls } from '../disturbances/clients.js'
import { failing } from '../disturbances/failing.js'
import { pauses, stall } from '../disturbances/pauses.js'
import { crashes, rollingRestart } from '../disturbances/restart.js'
import { slowdown } from '../disturbances/slowdown.js'
import { constant, exponential, logNormal, mixture, type Draw } from '../engine/distributions.js'
import type { Disturbance, Scenario } from '../engine/scenario.js'
import { capacityPerSec, queueing } from './fleets.js'
import { scenario } from './scenario.js'

/** So that none takes minutes. */
const MOST_PER_SEC = 12_000

/** A scenario of the same families as the written ones, made by lot: the same number always gives the same one. */
export function randomScenario(number: number): (scale: number) => Scenario {
  const random = seededRandom(Math.imul(number, 0x9e3779b1))
  const choose = <T>(choices: readonly T[]): T => choices[Math.floor(random() * choices.length)]!
  const between = (low: number, high: number): number => low + (high - low) * random()

  const speeds = choose([[1], [1], [2, 1, 1, 0.5], [4, 1, 1], [1, 0.7, 1.3]])
  const slots = choose([[4], [2], [1], [8, 4, 4, 2], [1, 4]])
  const servers = queueing(Math.round(Math.exp(between(Math.log(3), Math.log(80)))), slots, speeds)
  const clients = Math.round(Math.exp(between(0, Math.log(300))))
  const load = between(0.2, 0.85)
  const [workName, work, meanMs] = choose(works)
  const [trouble, disturb] = choose(troubles)
  const perSec = Math.min(MOST_PER_SEC, load * capacityPerSec(servers, meanMs))
  const percent = Math.round((100 * perSec) / capacityPerSec(servers, meanMs))
  const fleet = `${servers.length} servers of ${slots} slots and speeds ${speeds}`
  return scenario(`random-${number}`, `${fleet}, ${clients} clients, ${workName}, ${percent} %, ${trouble}`, {
    servers,
    clients,
    work,
    perSec,
    disturbances: (warmMs, measuredMs) => disturb(warmMs, measuredMs, servers.length, random),
    ranked: false,
  })
}

const works: readonly (readonly [string, Draw, number])[] = [
  ['exponential work', exponential(10), 10],
  ['work of many sizes', logNormal(12, 1), 12],
  ['work of three routes', mixture([0.9, exponential(3)], [0.09, exponential(40)], [0.01, exponential(300)]), 9.3],
  ['work of one size', constant(8), 8],
]

type Disturb = (warmMs: number, measuredMs: number, servers: number, random: Random) => readonly Disturbance[]

const troubles: readonly (readonly [string, Disturb])[] = [
  ['undisturbed', () => []],
  ['undisturbed', () => []],
  ['pauses', (_warm, _measured, servers, random) => [pauses(0, servers, 50 + 100 * random(), 8000)]],
  ['one slow server', (warmMs, measuredMs) => [slowdown(1, 8, warmMs + measuredMs / 6, (2 * measuredMs) / 3)]],
  ['one stalled server', (warmMs, measuredMs) => [stall(1, warmMs + measuredMs / 4, measuredMs / 4)]],
  [
    'a rolling restart',
    (warmMs, measuredMs, servers) => [
      rollingRestart(warmMs, measuredMs / servers, { downMs: 600, coldSpeed: 0.3, rampMs: 5000 }),
    ],
  ],
  ['a failing server', (warmMs, _measured, _servers, random) => [failing(1, 0.2 + 0.8 * random(), warmMs / 2)]],
  ['crashes', () => [crashes(8000, 1000, { downMs: 1500, coldSpeed: 0.4, rampMs: 5000 })]],
  ['stalled clients', () => [clientStalls(500, 60_000)]],
]
