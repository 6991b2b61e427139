import { loadavg } from 'node:os'
import { measureApplying } from './scale/applying.js'
import { measureMemory } from './scale/memory.js'
import { ALGORITHMS, measurePicking } from './scale/picking.js'
import type { Spread } from './scale/statistics.js'

/**
 * What a service of ten thousand endpoints costs the process that calls it: heap per endpoint, the time from a registry's word to
 * the picture that calls are balanced by, and the time and garbage of a pick.
 */
const ROUNDS = 9
const APPLIED = [1_000, 10_000]
const PICKED_FROM = [20, 100, 1_000, 10_000]

const MEMORY_NAMES = {
  told: 'told by a registry and never called',
  inZonesAndSubset: 'the same in three zones, with a subset of 20',
  manyClients: 'the same in ten meshes of 1,000 each',
  calledOnce: 'in addition when it has been called once',
  reportedAndFailed: 'in addition when it has also reported its load, and failed',
} as const
const APPLYING_NAMES = {
  coldProcess: 'the first word that a process ever hears',
  newService: 'the first word about a service, in a process at work',
  identical: 'the same word again',
  toldAnew: 'the same in other objects',
  onePercent: 'one in a hundred has changed',
  comeAndGo: 'one in a hundred goes, or comes back',
} as const

const loadBefore = loadavg()[0]!
const memory = await measureMemory(10_000)
const applying = []
for (const count of APPLIED) applying.push({ count, ...(await measureApplying(count, ROUNDS)) })
const picking = ALGORITHMS.flatMap((algorithm) => PICKED_FROM.map((count) => measurePicking(algorithm, count, ROUNDS)))
const load = [loadBefore, loadavg()[0]!]

if (process.argv.includes('--json')) console.log(JSON.stringify({ node: process.version, rounds: ROUNDS, load, memory, applying, picking }))
else {
  const both = ({ median, least }: Spread, digits: number): string => `${median.toFixed(digits)} (${least.toFixed(digits)})`.padStart(16)
  const busy = load.map((value) => value.toFixed(1)).join(' and ')
  console.log(`Node ${process.version}, load average ${busy} before and after; medians of ${ROUNDS} rounds, and the least of them in brackets`)
  console.log('\nheap of an endpoint among 10,000, in bytes')
  for (const [key, name] of Object.entries(MEMORY_NAMES)) {
    console.log(name.padEnd(60) + memory[key as keyof typeof MEMORY_NAMES].toFixed(0).padStart(16))
  }
  console.log(`\nfrom a registry's word to the picture, in ms${APPLIED.map((count) => `of ${count}`.padStart(16)).join('')}`.replace("ms", 'ms'.padEnd(20)))
  for (const [key, name] of Object.entries(APPLYING_NAMES)) {
    console.log(name.padEnd(60) + applying.map((each) => both(each[key as keyof typeof APPLYING_NAMES], 1)).join(''))
  }
  console.log(`\none pick, in ns${PICKED_FROM.map((count) => `of ${count}`.padStart(16)).join('')}   bytes`)
  for (const algorithm of ALGORITHMS) {
    const own = picking.filter((each) => each.algorithm === algorithm)
    const bytes = Math.max(...own.map((each) => each.bytes.median))
    console.log(algorithm.padEnd(28) + own.map(({ nanos }) => both(nanos, 0)).join('') + bytes.toFixed(1).padStart(8))
  }
}
