import type { Scenario } from './engine/scenario.js'
import { further } from './scenarios/further.js'
import { randomScenario } from './scenarios/random.js'
import { ranked } from './scenarios/ranked.js'

const written = new Map([...ranked, ...further].map((make) => [make(1).name, make]))

/** Of every written scenario, those that count for the means first. */
export const scenarioNames: readonly string[] = [...written.keys()]

/** A scenario by its name, with all its times multiplied by `scale`; `random-7` is the seventh of those made by lot. */
export function scenarioOf(name: string, scale: number): Scenario {
  const number = /^random-(\d+)$/.exec(name)?.[1]
  const make = number === undefined ? written.get(name) : randomScenario(Number(number))
  if (make === undefined) throw new Error(`--scenario ${name}: expected one of ${scenarioNames.join(', ')}, or random-<number>`)
  return make(scale)
}
