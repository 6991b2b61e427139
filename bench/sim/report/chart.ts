import type { Comparison } from '../comparison.js'
import { counted, geomean } from './summary.js'

const WIDTH = 860
const LABEL_WIDTH = 190
const MEAN_WIDTH = 70
const ROW_HEIGHT = 26
const TOP = 56
const BOTTOM = 40
/** Of the logarithmic axis. */
const LARGEST_RATIO = 128
const GRID = [1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100]

/**
 * One row a policy, the best above: a dot for each ranked scenario at its p99 over the reference, and a bar at their
 * geometric mean.
 */
export function chartOf(policies: readonly string[], comparisons: readonly Comparison[], ours: ReadonlySet<string>): string {
  const rows = policies
    .map((policy) => ({ policy, mean: geomean(policy, comparisons, 'p99') }))
    .sort((a, b) => a.mean - b.mean)
  const height = TOP + rows.length * ROW_HEIGHT + BOTTOM
  const bottom = TOP + rows.length * ROW_HEIGHT
  const grid = GRID.map((ratio) => {
    const x = xOf(ratio)
    const line = `<line x1="${x}" y1="${TOP - 6}" x2="${x}" y2="${bottom}" class="grid"/>`
    return `${line}<text x="${x}" y="${bottom + 18}" class="tick">${ratio}</text>`
  })
  const drawn = rows.map(({ policy, mean }, i) => {
    const y = TOP + (i + 0.5) * ROW_HEIGHT
    const dots = counted(comparisons).map(({ scenario, figures }) => {
      const { p99 } = figures[policy]!
      return `<circle cx="${xOf(p99)}" cy="${y}" r="3.2"><title>${policy}, ${scenario}: ${p99.toFixed(2)}</title></circle>`
    })
    const x = xOf(mean)
    return [
      `<g${ours.has(policy) ? ' class="ours"' : ''}><text x="${LABEL_WIDTH - 14}" y="${y + 4}" class="name">${policy}</text>`,
      ...dots,
      `<line x1="${x}" y1="${y - 9}" x2="${x}" y2="${y + 9}" class="mean"/>`,
      `<text x="${WIDTH - 12}" y="${y + 4}" class="name">${mean.toFixed(2)}</text></g>`,
    ].join('')
  })
  const count = counted(comparisons).length
  const box = `viewBox="0 0 ${WIDTH} ${height}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box} font-family="system-ui, sans-serif" font-size="13">
<style>
  .back { fill: #fff } .grid { stroke: #e3e6ea } .tick { fill: #6b7280; text-anchor: middle; font-size: 11px }
  .name { text-anchor: end; fill: #374151 } .title { fill: #111827; font-weight: 600 }
  .note { fill: #6b7280; font-size: 11px }
  circle { fill: #9aa4b2; fill-opacity: .55 } .mean { stroke: #4b5563; stroke-width: 2.5 }
  .ours circle { fill: #0f766e } .ours .mean { stroke: #0f766e } .ours .name { fill: #0f766e; font-weight: 600 }
</style>
<rect width="${WIDTH}" height="${height}" class="back"/>
<text x="12" y="22" class="title">p99 latency, as a multiple of the reference (less is better)</text>
<text x="12" y="40" class="note">${count} dots: a scenario each; a bar and a figure for their geometric mean (log scale)</text>
${grid.join('\n')}
${drawn.join('\n')}
</svg>
`
}

function xOf(ratio: number): string {
  const share = Math.log(Math.min(LARGEST_RATIO, Math.max(0.97, ratio)) / 0.97) / Math.log(LARGEST_RATIO / 0.97)
  return (LABEL_WIDTH + share * (WIDTH - LABEL_WIDTH - MEAN_WIDTH)).toFixed(1)
}
