import { exponential } from '../engine/distributions.js'
import type { CreatePolicy } from '../engine/policy.js'
import { ONE_WAY_MS, simulate } from '../engine/simulation.js'
import { RandomChoice } from '../policies/random.js'
import { queueing } from '../scenarios/fleets.js'
import { scenario } from '../scenarios/scenario.js'
import type { Anchor } from './anchor.js'

const MEAN_WORK_MS = 100
const TOLERANCE_RATIO = 0.03
const SEED = 1

/** The shorter of the real queues of two servers, as the theory of two choices assumes that one knows them. */
const shorterOfTwoQueues: CreatePolicy = ({ servers, random }) => {
  const any = (): number => Math.floor(random() * servers.length)
  return {
    update: () => {},
    pick() {
      const [one, other] = [any(), any()]
      return servers[other]!.assigned < servers[one]!.assigned ? other : one
    },
    done: () => {},
  }
}

/** Mean time in a fleet of single-slot servers, in units of the mean work, beside what queueing theory says. */
export function theoryAnchors(): readonly Anchor[] {
  const anchor = (name: string, create: CreatePolicy, load: number, published: number, works: number): Anchor => {
    const servers = queueing(500, [1])
    const perSec = (load * servers.length * 1000) / MEAN_WORK_MS
    const [warmMs, measuredMs] = [(works / 3) * MEAN_WORK_MS, works * MEAN_WORK_MS]
    const times = { warmMs, measuredMs, timeoutMs: 1e7 }
    const fleet = scenario(name, '', { servers, clients: 1, work: exponential(MEAN_WORK_MS), perSec, ...times })(1)
    const measured = (simulate(fleet, { client: create }, SEED).mean - 2 * ONE_WAY_MS) / MEAN_WORK_MS
    return { name, published, measured, tolerance: TOLERANCE_RATIO * published, unit: 'S' }
  }
  return [
    anchor('M/M/1, load 0.9: mean', (context) => new RandomChoice(context), 0.9, 1 / (1 - 0.9), 3000),
    anchor('two choices, load 0.9: mean', shorterOfTwoQueues, 0.9, meanOfTwoChoices(0.9), 1500),
    anchor('two choices, load 0.95: mean', shorterOfTwoQueues, 0.95, meanOfTwoChoices(0.95), 1500),
  ]
}

/** Σ ρ^(2^i − 2) over i ≥ 1 (Mitzenmacher 2001), for very many servers. */
function meanOfTwoChoices(load: number): number {
  let sum = 0
  for (let i = 1; i < 20; i++) sum += load ** (2 ** i - 2)
  return sum
}
