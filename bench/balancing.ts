import { readArguments, usage, type Arguments } from './balancing/arguments.js'
import { compare, type Comparison } from './balancing/comparison.js'
import { jsonOf, markdownOf, textOf, type Report } from './balancing/report.js'
import { rules } from './balancing/rules.js'
import { Stage, type Played } from './balancing/stage.js'

/**
 * Ours beside other ways to choose a server, on real sockets: real servers in processes of their own, requests that come
 * whether or not the last ones were answered, and rules that take turns, so that the ratios hold on a machine whose speed drifts.
 */
const WARMUP_MS = 1_500

/** A play that nobody looks at: code gets compiled, connections are made for the first time. */
const REHEARSAL = { scenario: 'equal', seed: 999, warmupMs: 0, durationMs: 500 }

async function comparisonsOn(stage: Stage, settings: Arguments, names: readonly string[], onPlay: (played: Played) => void): Promise<readonly Comparison[]> {
  for (const rule of names) await stage.play({ ...REHEARSAL, rule })
  const rounds = new Map(settings.scenarios.map((scenario) => [scenario, new Map(names.map((rule) => [rule, [] as Played[]]))]))
  const { seed, durationMs } = settings
  const warmupMs = Math.min(WARMUP_MS, durationMs / 2)
  for (let round = 0; round < settings.rounds; round++) {
    for (const scenario of settings.scenarios) {
      for (let turn = 0; turn < names.length; turn++) {
        // Each round begins with another rule, so that none is always the one after the break.
        const rule = names[(turn + round) % names.length]!
        progress(`round ${round + 1} of ${settings.rounds}: ${scenario}, ${rule}`)
        const played = await stage.play({ scenario, rule, seed: seed + round, warmupMs, durationMs })
        rounds.get(scenario)!.get(rule)!.push(played)
        onPlay(played)
      }
    }
  }
  return settings.scenarios.map((scenario) => compare(scenario, Object.fromEntries(rounds.get(scenario)!)))
}

let interrupted = false

function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
}

async function play(settings: Arguments): Promise<void> {
  const reasons = settings.rules.map((rule) => [rule, rules[rule]!.missing?.()] as const)
  const skipped = Object.fromEntries(reasons.filter((each): each is [string, string] => each[1] !== undefined))
  for (const [rule, reason] of Object.entries(skipped)) console.error(`${rule} is left out: ${reason}`)
  const names = settings.rules.filter((rule) => skipped[rule] === undefined)
  if (names.length === 0) throw new Error('None of these rules can run here')

  const stage = new Stage()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      interrupted = true
      void stage.close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
    })
  }
  // Last: whoever reads it may send a signal at once.
  if (settings.output === 'table') console.log(`processes: ${stage.pids.join(' ')}`)
  try {
    await stage.open()
    const played: Played[] = []
    const comparisons = await comparisonsOn(stage, settings, names, (each) => void played.push(each))
    progress('')
    const report: Report = { settings, skipped, processes: stage.pids, comparisons, played }
    console.log({ table: textOf, json: jsonOf, markdown: markdownOf }[settings.output](report))
  } finally {
    await stage.close()
  }
}

try {
  await play(readArguments(process.argv.slice(2)))
} catch (error) {
  // What was under way when everything was ended has failed, of course.
  if (!interrupted) console.error(error instanceof Error ? `${error.message}\n\n${usage}` : error)
  process.exitCode = 1
}
