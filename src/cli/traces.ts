import type { TraceRow } from '../control-plane/monitor/answers.js'
import { readDurationMs, readWhole } from './arguments.js'
import { command, type World } from './command.js'
import type { Source } from './source.js'
import { readList, readObject, urlOptions, withControlPlane } from './source-options.js'
import { drawTable, type Column, type TableLook } from './table.js'
import { printJson, printLines } from './terminal.js'
import { duration, timeOfDay, whole } from './units.js'
import { UsageError } from './usage-error.js'
import { drawWaterfall, type TraceSpan } from './waterfall.js'
import { readWindowSec, windowInWords, windowOption } from './window.js'

export const tracesCommand = command({
  usage: ['traces [options]', 'traces <id> [options]'],
  about: `Lists traces, the newest first; with an id, or as much of its beginning as is unique, draws that trace: which process did what,
caused by whom, and when. Retries and hedges of a call are marked as such.`,
  options: {
    service: { type: 'string', value: '<service>', about: 'only traces that this service took part in' },
    failed: { type: 'boolean', about: 'only those that failed' },
    'min-duration': { type: 'string', value: '<time>', about: 'only those that took as long, such as 100ms' },
    limit: { type: 'string', short: 'n', value: '<number>', about: 'so many at most (default 20)' },
    ...windowOption,
    ...urlOptions,
  },
  examples: [
    ['traces', 'the newest twenty of the last minute'],
    ['traces --failed --service users', 'what went wrong with users'],
    ['traces --min-duration 200ms --window 10m', 'what was slow'],
    ['traces 4bf92f35', 'one of them, in full'],
  ],
  maxWords: 1,
  async run({ service, failed, 'min-duration': least, limit, window, url, json }, [id], world) {
    if (id !== undefined) return withControlPlane(url, world, (source) => showTrace(source, id, json, world))
    const { out } = world
    const windowSec = readWindowSec(window)
    const query = {
      service,
      windowSec,
      limit: limit === undefined ? 20 : readWhole(limit, '--limit', [1, 500]),
      failed: failed ? 'true' : undefined,
      minMs: least === undefined ? undefined : readDurationMs(least, '--min-duration', [1, 600_000]),
    }
    await withControlPlane(url, world, async (source) => {
      const rows = await readList<TraceRow>(source, '/api/traces', query)
      if (json) return printJson(out, rows)
      if (rows.length === 0) return world.err.write(`No such trace was seen in ${windowInWords(windowSec)}\n`)
      printLines(out, traceTable(rows, { width: out.columns, style: out.style }))
    })
  },
})

function traceTable(rows: readonly TraceRow[], look: TableLook): readonly string[] {
  const { style } = look
  const columns: Column<TraceRow>[] = [
    { head: 'TIME', cell: ({ startAt }) => ({ text: timeOfDay(startAt), paint: style.dim }) },
    { head: 'TRACE', cell: ({ traceId }) => traceId, least: 12 },
    { head: 'DURATION', align: 'right', cell: ({ durationMs }) => duration(durationMs) },
    { head: 'RESULT', cell: ({ failed }) => (failed ? { text: 'failed', paint: style.bad } : { text: 'ok', paint: style.good }) },
    { head: 'ATTEMPTS', align: 'right', rank: 5, cell: ({ attempts }) => whole(attempts) },
    { head: 'RETRIES', align: 'right', rank: 2, cell: ({ retries }) => ({ text: whole(retries), paint: retries > 0 ? style.warn : style.dim }) },
    { head: 'HEDGES', align: 'right', rank: 3, cell: ({ hedges }) => ({ text: whole(hedges), paint: hedges > 0 ? undefined : style.dim }) },
    { head: 'SPANS', align: 'right', rank: 6, cell: ({ spans }) => whole(spans) },
    { head: 'SERVICES', rank: 4, least: 10, cell: ({ services }) => services.join(', ') },
    { head: 'BEGAN WITH', rank: 1, least: 12, cell: ({ service, name }) => `${service}: ${name}` },
  ]
  return drawTable(columns, rows, look)
}

async function showTrace(source: Source, given: string, json: boolean | undefined, { out }: World): Promise<void> {
  const traceId = await wholeId(source, given.replace(/…$/, '').toLowerCase())
  const trace = await readObject<{ readonly spans: readonly TraceSpan[] }>(source, `/api/traces/${traceId}`)
  if (json) return printJson(out, trace)
  if (!Array.isArray(trace.spans)) throw source.unlike(`/api/traces/${traceId}`, 'something else')
  printLines(out, drawWaterfall(trace.spans, { width: out.columns, style: out.style }))
}

const ID_LENGTH = 32
const LONGEST_WINDOW_SEC = 600

/** The id that begins so. */
async function wholeId(source: Source, beginning: string): Promise<string> {
  if (!/^[\da-f]{1,32}$/.test(beginning)) throw new UsageError(`traces: expected the id of a trace, or its beginning, in hex digits, got '${beginning}'`)
  if (beginning.length === ID_LENGTH) return beginning
  const rows = await readList<TraceRow>(source, '/api/traces', { limit: 500, windowSec: LONGEST_WINDOW_SEC })
  const [first, second] = rows.filter(({ traceId }) => traceId.startsWith(beginning))
  if (first === undefined) throw new UsageError(`traces: none of the newest traces begins with '${beginning}'`)
  if (second !== undefined) throw new UsageError(`traces: more than one trace begins with '${beginning}': give more of its id`)
  return first.traceId
}
