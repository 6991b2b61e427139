import type { JSX } from 'preact'
import { ask } from '../ask.js'
import type { EdgeRow, InstanceRow, ServiceRow } from '../../monitor/answers.js'
import { count, duration, percent, perSecond } from '../format.js'
import { SAMPLE_SEC, type Histories } from '../history.js'
import { successOf, toneOf } from '../insight.js'
import { Figures } from '../parts/figures.js'
import { Problem, Waiting } from '../parts/problem.js'
import { toDenials, toGraph, toTraces } from '../route.js'
import { useSteady } from '../use-live.js'
import { Charts } from './charts.js'
import { Instances } from './instances.js'
import { Neighbours } from './neighbours.js'

interface ServiceViewProps {
  readonly service: string
  readonly windowSec: number
  readonly histories: Histories
}

/** One service: how it fares, on which instances, and between whom it stands. */
export function ServiceView({ service, windowSec, histories }: ServiceViewProps): JSX.Element {
  const services = useSteady<readonly ServiceRow[]>(ask('/api/services', { windowSec }))
  const edges = useSteady<readonly EdgeRow[]>(ask('/api/edges', { windowSec }))
  const instances = useSteady<readonly InstanceRow[]>(ask('/api/instances', { service, windowSec }))
  const row = services.data?.find((one) => one.service === service)
  const problem = services.problem ?? instances.problem
  const callers = edges.data?.filter(({ callee }) => callee === service) ?? []
  const callees = edges.data?.filter(({ caller }) => caller === service) ?? []
  const isKnown = row !== undefined || callers.length > 0 || callees.length > 0
  return (
    <>
      <div class="heading">
        <h1 tabIndex={-1}>
          <a href={toGraph} class="up">Graph</a> <span aria-hidden="true">/</span> {service}
        </h1>
        {row !== undefined && <Answered row={row} />}
      </div>
      {problem !== undefined && <Problem {...problem} />}
      {services.data === undefined ? (
        problem === undefined && <Waiting />
      ) : !isKnown ? (
        <p class="problem">
          No service {service} is registered, and no span of it came in this time. <a href={toGraph}>Back to the graph</a>
        </p>
      ) : (
        <>
          <Charts history={histories.of(service)} now={services.at} sampleSec={SAMPLE_SEC} />
          <Instances instances={instances.data} service={service} />
          <div class="pair">
            <Neighbours title="Called by" edges={callers} other="caller" none="Nobody has called it in this time." />
            <Neighbours title="Calls" edges={callees} other="callee" none="It has called nobody in this time." />
          </div>
        </>
      )}
    </>
  )
}

function Answered({ row }: { readonly row: ServiceRow }): JSX.Element {
  const { service, denied } = row
  return (
    <Figures
      label={`What ${service} answered`}
      of={[
        { name: 'Requests/s', value: perSecond(row.perSec) },
        { name: 'Success', value: row.count === 0 ? '–' : percent(successOf(row)), tone: toneOf(row) },
        { name: 'p50', value: duration(row.p50Ms) },
        { name: 'p99', value: duration(row.p99Ms) },
        { name: 'Errors', value: <a href={toTraces({ service, failed: true })}>{count(row.errors)}</a>, ...(row.errors > 0 && { tone: 'bad' as const }) },
        { name: 'Denied', value: <a href={toDenials(service)}>{count(denied)}</a>, ...(denied > 0 && { tone: 'warn' as const }) },
        { name: 'Traces', value: <a href={toTraces({ service })}>show</a> },
      ]}
    />
  )
}
