import { parseArgs } from 'node:util'
import { rules } from './rules.js'
import { scenarios } from './scenarios.js'

export interface Arguments {
  readonly scenarios: readonly string[]
  readonly rules: readonly string[]
  readonly rounds: number
  /** Seed of the first round; each has its own. */
  readonly seed: number
  /** The time that counts, of each play. */
  readonly durationMs: number
  readonly output: 'table' | 'json' | 'markdown'
}

export const usage = `npm run bench:balancing -- [options]

  --scenario NAME   only that one (may be repeated): ${Object.keys(scenarios).join(', ')}
  --rule NAME       only that one (may be repeated): ${Object.keys(rules).join(', ')}
  --rounds N        how often everything is played, the rules taking turns (default 5)
  --seconds N       how long a play lasts (default 8)
  --seed N          seed of the first round (default 1)
  --quick           one round of 3 seconds
  --json            one object with everything
  --markdown        the table as it stands in docs/balancing.md
`

export function readArguments(argv: readonly string[]): Arguments {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      scenario: { type: 'string', multiple: true },
      rule: { type: 'string', multiple: true },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: '1' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
    },
  })
  const [rounds, seconds] = values.quick ? ['1', '3'] : ['5', '8']
  return {
    scenarios: namesOf('scenario', values.scenario, Object.keys(scenarios)),
    rules: namesOf('rule', values.rule, Object.keys(rules)),
    rounds: counting('rounds', values.rounds ?? rounds),
    seed: counting('seed', values.seed),
    durationMs: 1000 * secondsOf(values.seconds ?? seconds),
    output: values.json ? 'json' : values.markdown ? 'markdown' : 'table',
  }
}

function namesOf(option: string, asked: readonly string[] | undefined, allowed: readonly string[]): readonly string[] {
  for (const name of asked ?? []) {
    if (!allowed.includes(name)) throw new Error(`--${option}: expected one of ${allowed.join(', ')}, got ${name}`)
  }
  return asked ?? allowed
}

function counting(option: string, value: string): number {
  if (!/^[1-9]\d{0,4}$/.test(value)) throw new Error(`--${option}: expected a whole number above 0, got ${value}`)
  return Number(value)
}

function secondsOf(value: string): number {
  if (!/^\d{1,4}(?:\.\d)?$/.test(value) || Number(value) === 0) throw new Error(`--seconds: expected a number of seconds such as 8 or 0.5, got ${value}`)
  return Number(value)
}
