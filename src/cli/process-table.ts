import type { Mesh } from '../mesh.js'
import type { ServiceReport } from '../service-report.js'
import { paintOfCount, paintOfRatio } from './colour.js'
import type { Source } from './source.js'
import { readObject } from './source-options.js'
import { drawTable, type Column, type TableLook } from './table.js'
import { counted, duration, percent, span, whole } from './units.js'
import { lineOf } from './width.js'

export type ProcessSnapshot = ReturnType<Mesh['snapshot']>

/** What one process knows, from its admin listener; of one service only, if one is named. */
export async function readSnapshot(source: Source, service?: string): Promise<ProcessSnapshot> {
  const snapshot = await readObject<ProcessSnapshot>(source, '/snapshot')
  if (typeof snapshot.services !== 'object' || snapshot.services === null) throw source.unlike('/snapshot', 'something else')
  if (service === undefined) return snapshot
  return { ...snapshot, services: Object.fromEntries(Object.entries(snapshot.services).filter(([name]) => name === service)) }
}

/** What one process knows of the services that it calls, and how it is itself. */
export function processTable(snapshot: ProcessSnapshot, look: TableLook): readonly string[] {
  const { style } = look
  const columns: Column<ServiceReport>[] = [
    { head: 'SERVICE', cell: ({ service }) => service, least: 8 },
    { head: 'ENDPOINTS', align: 'right', cell: ({ endpoints }) => `${readyOf(endpoints).length} of ${endpoints.length}` },
    { head: 'SUCCESS', align: 'right', cell: ({ endpoints }) => successOfAll(endpoints, look) },
    { head: 'LATENCY', align: 'right', rank: 2, cell: ({ endpoints }) => duration(meanLatency(endpoints)) },
    { head: 'IN FLIGHT', align: 'right', rank: 3, cell: ({ limits }) => `${whole(limits?.inFlight)} of ${whole(limits?.limit)}` },
    { head: 'WAITING', align: 'right', rank: 5, cell: ({ limits }) => whole(limits?.waiting) },
    { head: 'THROTTLED', align: 'right', rank: 4, cell: ({ throttledRatio }) => ({ text: percent(throttledRatio), paint: paintOfCount(style, throttledRatio) }) },
    { head: 'BREAKER', rank: 1, cell: ({ breaker }) => ({ text: breaker, paint: breaker === 'closed' ? style.good : style.bad }) },
    { head: 'REGISTRY', rank: 6, cell: (report) => ({ text: registryWord(report), paint: report.registryError == null ? style.dim : style.bad }) },
  ]
  return [lineOf(processLine(snapshot), look.width), '', ...drawTable(columns, Object.values(snapshot.services), look)]
}

function processLine({ service, registry, instances, draining, inbound }: ProcessSnapshot): string {
  const shed = Object.values(inbound.shed).reduce((sum, count) => sum + count, 0)
  const standing = instances.length === 0 ? 'not registered' : `registered as ${instances.join(', ')}`
  const state = draining ? 'draining, ' : ''
  return `${service}: ${state}${standing} in ${registry}, answering ${counted(inbound.inFlight, 'request')}, ${shed} shed since the start`
}

function registryWord({ registryAgeMs, registryError }: ServiceReport): string {
  if (registryError != null) return registryError
  return registryAgeMs == null ? 'has not spoken' : `spoke ${span(registryAgeMs)} ago`
}

function readyOf(endpoints: ServiceReport['endpoints']): ServiceReport['endpoints'] {
  return endpoints.filter(({ state }) => state === 'ready')
}

function successOfAll(endpoints: ServiceReport['endpoints'], { style }: TableLook) {
  const seen = endpoints.filter(({ latencyMs }) => latencyMs != null)
  const ratio = seen.length === 0 ? null : seen.reduce((sum, { successRatio }) => sum + successRatio, 0) / seen.length
  return { text: percent(ratio), paint: paintOfRatio(style, ratio) }
}

function meanLatency(endpoints: ServiceReport['endpoints']): number | null {
  const known = endpoints.flatMap(({ latencyMs }) => latencyMs ?? [])
  return known.length === 0 ? null : known.reduce((sum, ms) => sum + ms, 0) / known.length
}
