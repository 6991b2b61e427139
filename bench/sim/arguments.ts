import { parseArgs } from 'node:util'
import { policies } from './policies.js'
import type { Percentile } from './report/summary.js'
import { scenarioNames } from './scenarios.js'

export interface Arguments {
  readonly scenarios: readonly string[]
  readonly policies: readonly string[]
  /** The first seed; `seeds` of them are played, one after the other, and their samples put together. */
  readonly seed: number
  readonly seeds: number
  /** Factor of all times. */
  readonly scale: number
  readonly percentile: Percentile
  readonly output: 'table' | 'json' | 'docs'
}

const QUICK_SCALE = 0.2

export const usage = `npm run sim -- [options]

  --scenario NAME     only that one (may be repeated); random-7 is the seventh made by lot
  --policy NAME       only that one (may be repeated)
  --random N          N scenarios made by lot, in place of the written ones
  --seeds N           plays N seeds (default 1), the first of them --seed (default 1)
  --quick             a fifth of the time
  --percentile NAME   p50, p99 (default) or p999
  --json              one object with everything
  --docs              writes the figures and the chart into docs/
`

export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      scenario: { type: 'string', multiple: true },
      policy: { type: 'string', multiple: true },
      random: { type: 'string' },
      seed: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '1' },
      percentile: { type: 'string', default: 'p99' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      docs: { type: 'boolean', default: false },
    },
  })
  const made = values.random === undefined ? undefined : counting('random', values.random)
  const lots = made === undefined ? undefined : Array.from({ length: made }, (_, i) => `random-${i + 1}`)
  return {
    scenarios: values.scenario ?? lots ?? scenarioNames,
    policies: (values.policy ?? Object.keys(policies)).map((name) => oneOf('policy', name, Object.keys(policies))),
    seed: counting('seed', values.seed),
    seeds: counting('seeds', values.seeds),
    scale: values.quick ? QUICK_SCALE : 1,
    percentile: oneOf('percentile', values.percentile, ['p50', 'p99', 'p999']) as Percentile,
    output: values.docs ? 'docs' : values.json ? 'json' : 'table',
  }
}

function counting(option: string, value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new Error(`--${option}: expected a whole number above 0, got ${value}`)
  return Number(value)
}

function oneOf(option: string, value: string, allowed: readonly string[]): string {
  if (!allowed.includes(value)) throw new Error(`--${option}: expected one of ${allowed.join(', ')}, got ${value}`)
  return value
}
