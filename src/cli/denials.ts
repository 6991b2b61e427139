import type { DenialRow } from '../control-plane/monitor/answers.js'
import { readWhole } from './arguments.js'
import { command } from './command.js'
import { readList, urlOptions, withControlPlane } from './source-options.js'
import { drawTable, type Column, type TableLook } from './table.js'
import { printJson, printLines } from './terminal.js'
import { NONE, orNone, timeOfDay, whole } from './units.js'
import { readWindowSec, windowInWords, windowOption } from './window.js'

export const denialsCommand = command({
  usage: ['denials [options]'],
  about: `Shows requests that were refused because of who asked, the newest first: 401 when the caller could not show who it is (CALLER
is then empty), 403 when it may not do what it asked for.`,
  options: {
    service: { type: 'string', value: '<service>', about: 'only what this service refused' },
    from: { type: 'string', value: '<service>', about: 'only what this service asked for' },
    limit: { type: 'string', short: 'n', value: '<number>', about: 'so many at most (default 20)' },
    ...windowOption,
    ...urlOptions,
  },
  examples: [
    ['denials', 'who was refused in the last minute'],
    ['denials --service users --window 10m', 'by users, in the last ten'],
    ["denials --json | jq -r '.[].address' | sort | uniq -c", 'where intruders come from'],
  ],
  async run({ service, from, limit, window, url, json }, _, world) {
    const { out } = world
    const windowSec = readWindowSec(window)
    const count = limit === undefined ? 20 : readWhole(limit, '--limit', [1, 500])
    await withControlPlane(url, world, async (source) => {
      // Who asked is sifted here, so that a busy other caller does not use up the number that was asked for.
      const asked = from === undefined ? count : 500
      const denials = await readList<DenialRow>(source, '/api/denials', { service, windowSec, limit: asked })
      const rows = denials.filter(({ caller }) => from === undefined || caller === from).slice(0, count)
      if (json) return printJson(out, rows)
      if (rows.length === 0) return world.err.write(`Nobody was refused in ${windowInWords(windowSec)}\n`)
      printLines(out, denialTable(rows, { width: out.columns, style: out.style }))
    })
  },
})

function denialTable(rows: readonly DenialRow[], look: TableLook): readonly string[] {
  const { style } = look
  const columns: Column<DenialRow>[] = [
    { head: 'TIME', cell: ({ at }) => ({ text: timeOfDay(at), paint: style.dim }) },
    { head: 'SERVICE', cell: ({ service }) => service, least: 8 },
    { head: 'CALLER', cell: ({ caller }) => ({ text: orNone(caller), paint: style.bold }), least: 8 },
    { head: 'ADDRESS', rank: 4, least: 9, cell: ({ address }) => orNone(address) },
    { head: 'STATUS', align: 'right', cell: ({ status }) => ({ text: whole(status), paint: style.bad }) },
    { head: 'REQUEST', rank: 1, least: 12, cell: ({ method, path }) => [method, path].filter((part) => part != null).join(' ') || NONE },
    { head: 'CODE', rank: 3, least: 12, cell: ({ code }) => orNone(code) },
    { head: 'REASON', rank: 2, least: 12, cell: ({ reason }) => orNone(reason) },
    { head: 'TRACE', rank: 5, least: 8, cell: ({ traceId }) => ({ text: orNone(traceId), paint: style.dim }) },
  ]
  return drawTable(columns, rows, look)
}
