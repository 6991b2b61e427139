import { describe, expect, it } from 'vitest'
import { holds } from '../../bench/sim/anchors/anchor.js'
import { buoyantAnchors } from '../../bench/sim/anchors/buoyant.js'
import { towerAnchors } from '../../bench/sim/anchors/tower.js'
import { compare } from '../../bench/sim/comparison.js'
import { exponential } from '../../bench/sim/engine/distributions.js'
import { ONE_WAY_MS, simulate } from '../../bench/sim/engine/simulation.js'
import { policies } from '../../bench/sim/policies.js'
import { jsonOf } from '../../bench/sim/report/json.js'
import { scenarioNames, scenarioOf } from '../../bench/sim/scenarios.js'
import { queueing } from '../../bench/sim/scenarios/fleets.js'
import { scenario } from '../../bench/sim/scenarios/scenario.js'

const everyPolicy = Object.keys(policies)
const SHORT = 0.03

describe('the simulation', () => {
  it('gives the same bytes for the same seed, and others for another', () => {
    const play = (seed: number): string => {
      const task = { policies: ['prequal', 'adaptive+reports'], seeds: [seed], scale: SHORT }
      return jsonOf(1, task.policies, ['gc70', 'crash60'].map((name) => compare({ ...task, scenario: name })))
    }
    expect(play(1)).toBe(play(1))
    expect(play(1)).not.toBe(play(2))
  })

  it('knows the mean time in a queue of one server', () => {
    const load = 0.5
    const fleet = scenario('mm1', '', { servers: queueing(100, [1]), clients: 1, work: exponential(100), perSec: 1000 * load })(5)
    const meanMs = simulate(fleet, policies['random']!, 1).mean - 2 * ONE_WAY_MS
    expect(meanMs / 100 / (1 / (1 - load))).toBeCloseTo(1, 1)
  })

  it.each(['gc70', 'deploy60', 'crash60', 'churn60', 'over125', 'clientStalls70', 'zones70', 'random-1', 'random-2'])(
    'loses no request and makes none up, whatever the policy: %s',
    (name) => {
      const short = scenarioOf(name, SHORT)
      const settled = everyPolicy.map((policy) => simulate(short, policies[policy]!, 1).settled)
      expect(settled[0]).toBeGreaterThan(0)
      expect(new Set(settled).size).toBe(1)
    },
  )

  it('has the 21 scenarios that the means are made of', () => {
    expect(scenarioNames.filter((name) => scenarioOf(name, 1).ranked)).toHaveLength(21)
  })

  it('makes the same random scenario of the same number', () => {
    expect(scenarioOf('random-7', 1).about).toBe(scenarioOf('random-7', 1).about)
    expect(new Set([1, 2, 3, 4, 5].map((number) => scenarioOf(`random-${number}`, 1).about)).size).toBe(5)
  })

  it.each([...towerAnchors(), ...buoyantAnchors()])('shows what was published: $name', (anchor) => {
    expect(holds(anchor), `${anchor.measured} for ${anchor.published}`).toBe(true)
  })
})

describe('polite refusal', () => {
  it('finds a freer server for what would have to wait, and loses nothing', () => {
    const sparse = scenarioOf('sparse80', 0.1)
    const rule = policies['least-request-p2c']!
    const without = simulate(sparse, rule, 1)
    const withRefusal = simulate(sparse, { ...rule, server: (server) => () => server.inFlight >= server.cores + 1 }, 1)
    expect(withRefusal.settled).toBe(without.settled)
    expect(withRefusal.errorRatio).toBe(0)
    expect(withRefusal.quantile(0.99)).toBeLessThan(0.8 * without.quantile(0.99))
  })
})

describe('adaptive', () => {
  it('beats two random choices by latency where servers are unequal', () => {
    const { figures } = compare({ scenario: 'hetero80', policies: ['adaptive', 'peak-ewma-p2c'], seeds: [1], scale: 0.15 })
    expect(figures['adaptive']!.p99).toBeLessThan(figures['peak-ewma-p2c']!.p99)
  })

  it('sends next to nothing to a server that fails at once', () => {
    const { figures } = compare({ scenario: 'fastfail70', policies: ['adaptive', 'random'], seeds: [1], scale: 0.15 })
    expect(figures['adaptive']!.errorRatio).toBeLessThan(0.002)
    expect(figures['random']!.errorRatio).toBeGreaterThan(0.03)
  })
})
