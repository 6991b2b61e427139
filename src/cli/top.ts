import type { EdgeRow, ServiceRow } from '../control-plane/monitor/answers.js'
import { readDurationMs } from './arguments.js'
import { command, type World } from './command.js'
import { edgeTable } from './edge-table.js'
import { edgeOptions, edgesOf } from './edges.js'
import { endpointTable } from './endpoint-table.js'
import { untilInterrupted } from './interrupt.js'
import { intervalOption, showLive } from './live.js'
import { processTable, readSnapshot, type ProcessSnapshot } from './process-table.js'
import { serviceTable } from './service-table.js'
import type { Source } from './source.js'
import { adminOption, readList, urlOptions, withAdmin, withControlPlane } from './source-options.js'
import type { TableLook } from './table.js'
import { printJson, printLines } from './terminal.js'
import { duration, span, timeOfDay } from './units.js'
import { lineOf } from './width.js'
import { readWindowSec, windowInWords, windowOption } from './window.js'

interface View<T> {
  readonly read: () => Promise<T>
  readonly draw: (read: T, look: TableLook) => readonly string[]
}

export const topCommand = command({
  usage: ['top [options]'],
  about: `Shows services and who calls whom, the busiest first, again and again in the same place. q or Ctrl-C ends it. Where the
output is piped, and with --once, it is shown once. The columns are those of stat and edges.`,
  options: {
    once: { type: 'boolean', about: 'show it once and end' },
    ...intervalOption,
    ...edgeOptions,
    ...windowOption,
    ...urlOptions,
    ...adminOption,
  },
  examples: [
    ['top', 'watch the mesh'],
    ['top --window 10s --interval 1s', 'nervously'],
    ['top --service users', 'users and its callers only'],
    ['top --admin http://127.0.0.1:7118', 'watch the mesh as one process sees it, each endpoint with its score'],
    ['top --once --json', 'services and edges as one document'],
  ],
  async run({ once, interval, from, service, window, url, json, admin }, _, world) {
    const intervalMs = interval === undefined ? 2_000 : readDurationMs(interval, '--interval', [100, 600_000])
    const isOnce = once === true || json === true || !world.out.isTerminal
    if (admin !== undefined) {
      return withAdmin(admin, world, (source) => show(source, { read: () => readSnapshot(source, service), draw: drawProcess }, { isOnce, json, intervalMs, title: '' }, world))
    }
    const windowSec = readWindowSec(window)
    const view: (source: Source) => View<Mesh> = (source) => ({
      read: async () => {
        const [services, edges] = await Promise.all([
          readList<ServiceRow>(source, '/api/services', { windowSec }),
          readList<EdgeRow>(source, '/api/edges', { windowSec }),
        ])
        return { services: servicesOf(services, edges, { from, service }), edges: edgesOf(edges, { from, service }) }
      },
      draw: (mesh, look) => drawMesh(mesh, world.clock.epochMs(), look),
    })
    await withControlPlane(url, world, (source) => show(source, view(source), { isOnce, json, intervalMs, title: windowInWords(windowSec) }, world))
  },
})

interface Manner {
  readonly isOnce: boolean
  readonly json: boolean | undefined
  readonly intervalMs: number
  readonly title: string
}

async function show<T>({ url }: Source, { read, draw }: View<T>, { isOnce, json, intervalMs, title }: Manner, world: World): Promise<void> {
  const { out, clock } = world
  const lookNow = (): TableLook => ({ width: out.columns, style: out.style })
  if (json) return printJson(out, await read())
  if (isOnce) return printLines(out, draw(await read(), lookNow()))
  const heading = (): string => {
    const parts = ['sidecarless top', url, title, `every ${intervalMs < 1_000 ? duration(intervalMs) : span(intervalMs)}`, timeOfDay(clock.epochMs()).slice(0, 8), 'q ends it']
    return out.style.dim(lineOf(parts.filter((part) => part !== '').join('   '), out.columns))
  }
  const live = { intervalMs, draw: async () => [heading(), '', ...draw(await read(), lookNow())] }
  await untilInterrupted((signal, interrupt) => showLive(live, world, signal, interrupt))
}

interface Mesh {
  readonly services: readonly ServiceRow[]
  readonly edges: readonly EdgeRow[]
}

function drawMesh({ services, edges }: Mesh, nowMs: number, look: TableLook): readonly string[] {
  const busiest = <T extends { readonly perSec: number }>(rows: readonly T[]): T[] => [...rows].sort((a, b) => b.perSec - a.perSec)
  return [...serviceTable(busiest(services), nowMs, look), '', ...edgeTable(busiest(edges), look)]
}

function drawProcess(snapshot: ProcessSnapshot, look: TableLook): readonly string[] {
  const endpoints = Object.values(snapshot.services).flatMap((report) => ['', ...endpointTable(report.endpoints, look)])
  return [...processTable(snapshot, look), ...endpoints]
}

/** The services at the ends of the edges that are meant; all when all are. */
function servicesOf(services: readonly ServiceRow[], edges: readonly EdgeRow[], wanted: { readonly from?: string | undefined; readonly service?: string | undefined }): readonly ServiceRow[] {
  if (wanted.from === undefined && wanted.service === undefined) return services
  const ends = new Set([wanted.from, wanted.service, ...edgesOf(edges, wanted).flatMap(({ caller, callee }) => [caller, callee])])
  return services.filter(({ service }) => ends.has(service))
}
