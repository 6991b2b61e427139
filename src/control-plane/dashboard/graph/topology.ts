import type { EdgeRow, InstanceRow, ServiceRow } from '../../monitor/answers.js'

/** Who calls whom; nothing that changes from second to second, so that the drawing stands still. */
export interface Topology {
  readonly services: readonly string[]
  readonly edges: readonly { readonly caller: string; readonly callee: string }[]
}

/** Every service that is known or called, and who calls whom, in an order that does not change with the figures. */
export function topologyOf(services: readonly ServiceRow[], edges: readonly EdgeRow[]): Topology {
  const names = new Set(services.map(({ service }) => service))
  for (const { caller, callee } of edges) names.add(caller).add(callee)
  return {
    services: [...names].sort(),
    edges: edges
      .map(({ caller, callee }) => ({ caller, callee }))
      .sort((a, b) => compare(a.caller, b.caller) || compare(a.callee, b.callee)),
  }
}

/** What {@link topologyOf} gives, as a key to remember its drawing by. */
export function keyOf({ services, edges }: Topology): string {
  return JSON.stringify([services, edges.map(({ caller, callee }) => [caller, callee])])
}

export function instancesByService(instances: readonly InstanceRow[]): ReadonlyMap<string, readonly InstanceRow[]> {
  const found = new Map<string, InstanceRow[]>()
  for (const instance of instances) found.set(instance.service, [...(found.get(instance.service) ?? []), instance])
  for (const list of found.values()) list.sort((a, b) => compare(a.id, b.id))
  return found
}

/** Width of an edge in em: ten times the rate is one step wider. */
export function edgeWidth(perSec: number): number {
  return Math.min(0.12 + Math.log10(1 + perSec) * 0.1, 0.5)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
