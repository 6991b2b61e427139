import type { ServiceRow } from '../control-plane/monitor/answers.js'
import { command } from './command.js'
import { emptyMesh } from './empty.js'
import { processTable, readSnapshot } from './process-table.js'
import { instanceTable, serviceTable } from './service-table.js'
import { adminOption, readInstances, readList, urlOptions, withAdmin, withControlPlane } from './source-options.js'
import { printJson, printLines } from './terminal.js'
import { readWindowSec, windowInWords, windowOption } from './window.js'

export const statCommand = command({
  usage: ['stat [options]', 'stat <service> [options]'],
  about: `Shows what each service answered within a window of time, as the services themselves saw it: requests a second, the
share that went well, half of all answers (P50) and 99 of 100 (P99) were this fast or faster, how many were refused
because of who asked (DENIED). With the name of a service: each of its instances, as its callers saw it. With --admin:
what one process knows of the services that it calls.`,
  options: { ...windowOption, ...urlOptions, ...adminOption },
  examples: [
    ['stat', 'the last minute'],
    ['stat --window 5m', 'the last five'],
    ['stat users', 'every instance of users: which one is slow?'],
    ["stat --json | jq '.[] | select(.successRatio < 0.99) | .service'", 'for a program'],
    ['stat --admin http://127.0.0.1:7118', 'what the process with this admin listener sees'],
  ],
  maxWords: 1,
  async run({ window, url, json, admin }, [service], world) {
    const { out, clock } = world
    const look = { width: out.columns, style: out.style }
    if (admin !== undefined) {
      return withAdmin(admin, world, async (source) => {
        const snapshot = await readSnapshot(source, service)
        if (json) return printJson(out, snapshot)
        printLines(out, processTable(snapshot, look))
      })
    }
    const windowSec = readWindowSec(window)
    await withControlPlane(url, world, async (source) => {
      if (service !== undefined) {
        const rows = await readInstances(source, service, windowSec)
        if (json) return printJson(out, rows)
        if (rows.length > 0) return printLines(out, instanceTable(rows, clock.epochMs(), look))
        return world.err.write(`No instance of '${service}' is registered, and none was called in ${windowInWords(windowSec)}\n`)
      }
      const rows = [...(await readList<ServiceRow>(source, '/api/services', { windowSec }))].sort(byName)
      if (json) return printJson(out, rows)
      if (rows.length === 0) return world.err.write(emptyMesh(source.url))
      printLines(out, serviceTable(rows, clock.epochMs(), look))
    })
  },
})

function byName(a: ServiceRow, b: ServiceRow): number {
  return a.service < b.service ? -1 : 1
}
