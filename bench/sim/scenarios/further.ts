import { clientStalls, clockJump } from '../disturbances/clients.js'
import { failing } from '../disturbances/failing.js'
import { pauses, stall } from '../disturbances/pauses.js'
import { churn, crashes } from '../disturbances/restart.js'
import { exponential } from '../engine/distributions.js'
import type { Scenario } from '../engine/scenario.js'
import { queueing } from './fleets.js'
import { scenario } from './scenario.js'

const twenty = queueing(20, [4])
const forty = queueing(40, [2])
const hundred = queueing(100, [2])
const hundredUnequal = queueing(100, [2], [2, 1, 1, 0.5])
const inTwoZones = queueing(20, [4]).map((server, i) => ({ ...server, zone: i % 2 }))

/** Where something fails, or something unusual happens; they do not count for the means. */
export const further: readonly ((scale: number) => Scenario)[] = [
  scenario('fastfail70', 'one of 20 servers fails everything within 1 ms', {
    servers: twenty,
    load: 0.7,
    disturbances: (warmMs) => [failing(7, 1, warmMs / 2)],
    ranked: false,
  }),
  scenario('partfail70', 'one of 20 servers fails 30 %', {
    servers: twenty,
    load: 0.7,
    disturbances: (warmMs) => [failing(7, 0.3, warmMs / 2)],
    ranked: false,
  }),
  scenario('ultra', '2000 clients with 3.5 requests per second each, 100 servers', {
    servers: hundred,
    clients: 2000,
    work: exponential(20),
    perSec: 7000,
    ranked: false,
  }),
  scenario('ultraHet', 'the same with speeds 2, 1, 1 and ½', {
    servers: hundredUnequal,
    clients: 2000,
    work: exponential(20),
    perSec: 7000,
    ranked: false,
  }),
  scenario('over125', '125 %, a timeout of 1 s, expired work is dropped', {
    servers: twenty,
    load: 1.25,
    timeoutMs: 1000,
    dropsSettled: true,
    ranked: false,
  }),
  scenario('allnew60', 'measured from the first request on, when nothing is known', {
    servers: queueing(20, [4], [2, 1, 1, 0.5]),
    load: 0.6,
    warmMs: 0,
    measuredMs: 10_000,
    ranked: false,
  }),
  scenario('churn60', '2 of 20 addresses change every second', {
    servers: twenty,
    load: 0.6,
    disturbances: () => [churn(500, { downMs: 100, coldSpeed: 1, rampMs: 0 })],
    ranked: false,
  }),
  scenario('crash60', 'every 3 s a server dies; discovery notices 1 s later; it comes back cold', {
    servers: twenty,
    load: 0.6,
    disturbances: () => [crashes(3000, 1000, { downMs: 2000, coldSpeed: 0.2, rampMs: 8000 })],
    ranked: false,
  }),
  scenario('stall70', 'one server answers nothing for 10 s and stays listed', {
    servers: twenty,
    load: 0.7,
    disturbances: (warmMs, measuredMs) => [stall(7, warmMs + measuredMs / 4, Math.min(10_000, measuredMs / 3))],
    ranked: false,
  }),
  scenario('zones70', 'two zones, 2 ms between them', { servers: inTwoZones, load: 0.7, zones: 2, farMs: 1, ranked: false }),
  scenario('halfReports80', 'sparse80, where every other server sends no reports', {
    servers: forty,
    clients: 400,
    load: 0.8,
    reportingRatio: 0.5,
    ranked: false,
  }),
  scenario('halfReportsHet80', 'hetero80, where every other server sends no reports', {
    servers: queueing(20, [4], [2, 1, 1, 0.5, 1]),
    load: 0.8,
    reportingRatio: 0.5,
    ranked: false,
  }),
  scenario('clientStalls70', 'the event loop of each client is blocked for 500 ms about once a minute', {
    servers: twenty,
    load: 0.7,
    disturbances: () => [clientStalls(500, 60_000)],
    ranked: false,
  }),
  scenario('clockJump70', 'gc70, and all clocks of the clients jump by 30 s, the wall clock by −1 h', {
    servers: twenty,
    load: 0.7,
    disturbances: (warmMs, measuredMs) => [
      pauses(0, 19, 120, 6000),
      pauses(19, 20, 800, 3000),
      clockJump(warmMs + measuredMs / 2, 30_000, -3_600_000),
    ],
    ranked: false,
  }),
]
