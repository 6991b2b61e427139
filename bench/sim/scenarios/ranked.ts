import { antagonists } from '../disturbances/antagonists.js'
import { pauses } from '../disturbances/pauses.js'
import { rollingRestart } from '../disturbances/restart.js'
import { slowdown } from '../disturbances/slowdown.js'
import { constant, exponential, mixture } from '../engine/distributions.js'
import type { Disturbance, Scenario } from '../engine/scenario.js'
import { capacityPerSec, queueing, sharing } from './fleets.js'
import { scenario } from './scenario.js'

const twenty = queueing(20, [4])
const unequal = queueing(20, [4], [2, 1, 1, 0.5])
const hundred = sharing(100, 4)
const forty = queueing(40, [2])
const fortyUnequal = queueing(40, [2], [2, 1, 1, 0.5])
const three = queueing(3, [4])
const single = queueing(40, [1])
const wide = queueing(100, [2])

const heavy = mixture([0.98, exponential(5)], [0.02, constant(250)])
const HEAVY_MEAN_MS = 0.98 * 5 + 0.02 * 250
const routes = mixture([0.9, exponential(3)], [0.09, exponential(40)], [0.01, exponential(300)])
const ROUTES_MEAN_MS = 0.9 * 3 + 0.09 * 40 + 0.01 * 300

/** 0.4 and 1.1 in turns, 250 ms each: at a mean of 0.75. */
const burst = (atMs: number): number => (atMs % 500 < 250 ? 0.4 : 1.1) / 0.75

const garbage: readonly Disturbance[] = [pauses(0, 19, 120, 6000), pauses(19, 20, 800, 3000)]
const deploy = (warmMs: number, measuredMs: number): readonly Disturbance[] => [
  rollingRestart(warmMs, Math.max(1400, measuredMs / 20), { downMs: 600, coldSpeed: 0.2, rampMs: 8000 }),
]
const gray = (warmMs: number, measuredMs: number): readonly Disturbance[] => [
  slowdown(7, 10, warmMs + measuredMs / 7, (measuredMs * 5) / 7),
]

/** The scenarios that the means are made of. S, the mean work, is 10 ms where nothing else is said. */
export const ranked: readonly ((scale: number) => Scenario)[] = [
  scenario('homo70', '20 equal servers of 4 slots at 70 %', { servers: twenty, load: 0.7 }),
  scenario('homo90', 'the same at 90 %', { servers: twenty, load: 0.9 }),
  scenario('hetero80', '20 servers of speeds 2, 1, 1 and ½ at 80 %', { servers: unequal, load: 0.8 }),
  scenario('heteroCap80', '20 servers of 8, 4, 4 and 2 slots at 80 %', { servers: queueing(20, [8, 4, 4, 2]), load: 0.8 }),
  ...[70, 90, 141, 174].map((percent) =>
    scenario(`antag${percent}`, `100 servers on shared machines, 100 clients, ${percent} % of what was allotted`, {
      servers: hundred,
      clients: 100,
      work: exponential(62),
      perSec: (capacityPerSec(hundred, 62) * percent) / 100,
      disturbances: () => [antagonists],
    }),
  ),
  scenario('gc70', 'pauses of 120 ms everywhere, of 800 ms on one server', {
    servers: twenty,
    load: 0.7,
    disturbances: () => garbage,
  }),
  scenario('deploy60', 'every server restarts once and comes back cold', { servers: twenty, load: 0.6, disturbances: deploy }),
  scenario('gray60', 'one server is 10 times slower for a while', { servers: twenty, load: 0.6, disturbances: gray }),
  scenario('sparse80', '400 clients, 40 servers of 2 slots', { servers: forty, clients: 400, load: 0.8 }),
  scenario('sparseHet80', 'the same with speeds 2, 1, 1 and ½', { servers: fortyUnequal, clients: 400, load: 0.8 }),
  scenario('heavy70', '2 % of the requests take 250 ms, the others 5', {
    servers: twenty,
    work: heavy,
    perSec: 0.7 * capacityPerSec(twenty, HEAVY_MEAN_MS),
  }),
  scenario('routes75', 'routes of 3, 40 and 300 ms', {
    servers: twenty,
    work: routes,
    perSec: 0.75 * capacityPerSec(twenty, ROUTES_MEAN_MS),
  }),
  scenario('burst75', '40 % and 110 % in turns, 250 ms each', {
    servers: twenty,
    load: 0.75,
    rateAt: burst,
    peakRate: 1.1 / 0.75,
  }),
  scenario('lowload20', 'unequal speeds at 20 %', { servers: unequal, load: 0.2 }),
  scenario('c1_90', '40 servers of one slot, 20 clients, 90 %', { servers: single, clients: 20, load: 0.9 }),
  scenario('one90', 'a single client at 90 %', { servers: twenty, clients: 1, load: 0.9 }),
  scenario('small3', '3 servers, S = 20 ms', { servers: three, work: exponential(20), perSec: 0.7 * capacityPerSec(three, 20) }),
  scenario('big90', '100 servers of 2 slots, 100 clients, 90 %', { servers: wide, clients: 100, load: 0.9 }),
]
