import { holds, type Anchor } from './anchors/anchor.js'
import { buoyantAnchors } from './anchors/buoyant.js'
import { theoryAnchors } from './anchors/theory.js'
import { towerAnchors } from './anchors/tower.js'
import { readArguments, usage, type Arguments } from './arguments.js'
import { compareAll } from './crew.js'
import { chartOf } from './report/chart.js'
import { writeDocument } from './report/document.js'
import { jsonOf } from './report/json.js'
import { asMarkdown, asText, errorTable, latencyTable, type Table } from './report/table.js'
import { scenarioOf } from './scenarios.js'

const OURS: ReadonlySet<string> = new Set(['adaptive', 'adaptive+reports', 'adaptive+spill'])

function anchorTable(anchors: readonly Anchor[]): Table {
  const rows = anchors.map((anchor) => [
    anchor.name,
    `${anchor.published.toFixed(2)} ${anchor.unit}`,
    `${anchor.measured.toFixed(2)} ${anchor.unit}`,
    holds(anchor) ? 'holds' : 'DRIFTED',
  ])
  return [['anchor', 'published', 'here', ''], ...rows]
}

async function play({ scenarios, policies, seed, seeds, scale, percentile, output }: Arguments): Promise<void> {
  const anchors = [...theoryAnchors(), ...towerAnchors(), ...buoyantAnchors()]
  if (output === 'table') console.log(`${asText(anchorTable(anchors))}\n`)
  // Figures of a simulator that no longer shows what is known would be worth nothing.
  const drifted = anchors.filter((anchor) => !holds(anchor))
  if (drifted.length > 0) throw new Error(`The simulator has drifted:\n${asText(anchorTable(drifted))}`)

  const played = Array.from({ length: seeds }, (_, i) => seed + i)
  const tasks = scenarios.map((scenario) => ({ scenario, policies, seeds: played, scale }))
  for (const { scenario } of tasks) scenarioOf(scenario, scale)
  const progress = (done: number): void => void process.stderr.write(`\r${done} of ${tasks.length} scenarios`)
  const comparisons = await compareAll(tasks, process.stderr.isTTY ? progress : () => {})
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')

  const latencies = latencyTable(policies, comparisons, percentile)
  const errors = errorTable(policies, comparisons)
  if (output === 'json') console.log(jsonOf(seed, policies, comparisons))
  else if (output === 'table') console.log(`${asText(latencies)}\n\n${asText(errors)}`)
  else {
    const ranked = comparisons.filter((comparison) => comparison.ranked)
    const further = comparisons.filter((comparison) => !comparison.ranked)
    const tables = {
      anchors: asMarkdown(anchorTable(anchors)),
      ranked: asMarkdown(latencyTable(policies, ranked, 'p99')),
      further: asMarkdown(latencyTable(policies, further, 'p99').slice(0, -2)),
      errors: asMarkdown(errors),
    }
    await writeDocument(tables, chartOf(policies, comparisons, OURS))
  }
}

try {
  await play(readArguments(process.argv.slice(2)))
} catch (error) {
  console.error(error instanceof Error ? `${error.message}\n\n${usage}` : error)
  process.exitCode = 1
}
