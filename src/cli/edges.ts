import type { EdgeRow } from '../control-plane/monitor/answers.js'
import { command } from './command.js'
import { edgeTable } from './edge-table.js'
import { readList, urlOptions, withControlPlane } from './source-options.js'
import { printJson, printLines } from './terminal.js'
import { readWindowSec, windowInWords, windowOption } from './window.js'

/** Which pairs of services are meant. */
export const edgeOptions = {
  from: { type: 'string', value: '<service>', about: 'only calls that this service makes' },
  service: { type: 'string', value: '<service>', about: 'only calls to this service' },
} as const

export const edgesCommand = command({
  usage: ['edges [options]'],
  about: `Shows who calls whom within a window of time, as the callers saw it. A call may take several attempts: RATE, SUCCESS, P50 and
P99 are of attempts, RETRIES and HEDGES are those among them that were not the first. IDENTITY is 'shown' where the callee
has verified who the caller is.`,
  options: { ...edgeOptions, ...windowOption, ...urlOptions },
  examples: [
    ['edges', 'the whole graph'],
    ['edges --service users', 'who calls users'],
    ['edges --from orders --window 10m', 'whom orders has called in the last ten minutes'],
    ["edges --json | jq -r '.[] | \"\\(.caller) -> \\(.callee)\"'", 'for a program'],
  ],
  async run({ from, service, window, url, json }, _, world) {
    const { out } = world
    const windowSec = readWindowSec(window)
    await withControlPlane(url, world, async (source) => {
      const rows = edgesOf(await readList<EdgeRow>(source, '/api/edges', { windowSec }), { from, service })
      if (json) return printJson(out, rows)
      if (rows.length === 0) return world.err.write(`No call was seen in ${windowInWords(windowSec)}: see 'sidecarless stat' for who is there\n`)
      printLines(out, edgeTable(rows, { width: out.columns, style: out.style }))
    })
  },
})

/** Those that are meant, by caller and callee. */
export function edgesOf(rows: readonly EdgeRow[], { from, service }: { readonly from?: string | undefined; readonly service?: string | undefined }): readonly EdgeRow[] {
  const nameOf = ({ caller, callee }: EdgeRow): string => `${caller} ${callee}`
  return rows
    .filter(({ caller, callee }) => (from === undefined || caller === from) && (service === undefined || callee === service))
    .sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
}
