import type { JSX } from 'preact'
import { ask } from '../ask.js'
import type { EdgeRow, InstanceRow, ServiceRow } from '../../monitor/answers.js'
import { count, duration, percent, perSecond } from '../format.js'
import { successOf, toneOf } from '../insight.js'
import { Figures } from '../parts/figures.js'
import { Problem, Waiting } from '../parts/problem.js'
import { toDenials } from '../route.js'
import { useSteady } from '../use-live.js'
import { EdgeTable } from './edge-table.js'
import { Graph } from './graph.js'
import { NobodyYet } from './nobody-yet.js'

/** The whole mesh at once. */
export function GraphView({ windowSec }: { readonly windowSec: number }): JSX.Element {
  const services = useSteady<readonly ServiceRow[]>(ask('/api/services', { windowSec }))
  const edges = useSteady<readonly EdgeRow[]>(ask('/api/edges', { windowSec }))
  const instances = useSteady<readonly InstanceRow[]>(ask('/api/instances', { windowSec }))
  const problem = services.problem ?? edges.problem
  if (services.data === undefined || edges.data === undefined) return problem === undefined ? <Waiting /> : <Problem {...problem} />
  const nobody = services.data.length === 0 && edges.data.length === 0
  return (
    <>
      <div class="heading">
        <h1 tabIndex={-1}>Service graph</h1>
        {!nobody && <Summary services={services.data} edges={edges.data} instances={instances.data ?? []} />}
      </div>
      {problem !== undefined && <Problem {...problem} />}
      {nobody ? (
        <NobodyYet />
      ) : (
        <>
          <Graph services={services.data} edges={edges.data} instances={instances.data ?? []} />
          <EdgeTable edges={edges.data} />
        </>
      )}
    </>
  )
}

interface SummaryProps {
  readonly services: readonly ServiceRow[]
  readonly edges: readonly EdgeRow[]
  readonly instances: readonly InstanceRow[]
}

function Summary({ services, edges, instances }: SummaryProps): JSX.Element {
  const total = { count: sum(services, 'count'), errors: sum(services, 'errors') }
  const denied = sum(services, 'denied')
  const here = instances.filter(({ status }) => status !== 'gone').length
  return (
    <Figures
      label="The mesh as a whole"
      of={[
        { name: 'Services', value: count(services.length) },
        { name: 'Instances', value: count(here > 0 ? here : sum(services, 'instances')) },
        { name: 'Requests/s', value: perSecond(sum(services, 'perSec')) },
        { name: 'Success', value: total.count === 0 ? '–' : percent(successOf(total)), tone: toneOf(total) },
        { name: 'Slowest p99', value: duration(Math.max(0, ...edges.map(({ p99Ms }) => p99Ms))) },
        { name: 'Retries', value: count(sum(edges, 'retries')), ...(sum(edges, 'retries') > 0 && { tone: 'warn' as const }) },
        { name: 'Denied', value: <a href={toDenials()}>{count(denied)}</a>, ...(denied > 0 && { tone: 'warn' as const }) },
      ]}
    />
  )
}

function sum<K extends string>(rows: readonly Readonly<Record<K, number>>[], key: K): number {
  return rows.reduce((total, row) => total + row[key], 0)
}
