import type { JSX } from 'preact'
import { ask } from '../ask.js'
import type { ServiceRow, TraceRow } from '../../monitor/answers.js'
import { clockTime, duration } from '../format.js'
import { Problem, Waiting } from '../parts/problem.js'
import { Scroll } from '../parts/scroll.js'
import { Tag } from '../parts/tag.js'
import { toTrace, toTraces } from '../route.js'
import { useSteady } from '../use-live.js'
import { Filters, type TraceFilter } from './filters.js'
import { hueOf } from './hue.js'

const ASKED = 500
const SHOWN = 100
/** Services send their spans in batches, each in its own time: a trace younger than this may not be whole. */
const SETTLED_MS = 3_000
const ENOUGH = 20

/** The newest traces, as far as they pass the filter. */
export function TracesView({ filter, windowSec }: { readonly filter: TraceFilter; readonly windowSec: number }): JSX.Element {
  const { service, failed, minMs } = filter
  const services = useSteady<readonly ServiceRow[]>(ask('/api/services', { windowSec }))
  const { data, problem } = useSteady<readonly TraceRow[]>(ask('/api/traces', { limit: ASKED, windowSec, service, failed: failed ? 'true' : '', minMs }))
  return (
    <>
      <div class="heading">
        <h1 tabIndex={-1}>Traces</h1>
        <Filters filter={filter} services={services.data?.map((row) => row.service) ?? []} />
      </div>
      {problem !== undefined && <Problem {...problem} />}
      {data === undefined ? problem === undefined && <Waiting /> : data.length === 0 ? <None filter={filter} /> : <TraceTable traces={settled(data)} />}
    </>
  )
}

/** Where many come, those that have had time to be whole; where few come, all. */
function settled(traces: readonly TraceRow[]): readonly TraceRow[] {
  const before = Date.now() - SETTLED_MS
  const old = traces.filter(({ startAt, durationMs }) => startAt + durationMs < before)
  return (old.length >= ENOUGH ? old : [...traces]).sort((a, b) => b.startAt - a.startAt).slice(0, SHOWN)
}

function None({ filter: { service, failed, minMs } }: { readonly filter: TraceFilter }): JSX.Element {
  const isFiltered = service !== '' || failed || minMs !== undefined
  return (
    <div class="empty">
      <h2>{isFiltered ? 'No trace passes the filter' : 'No trace has come in this time'}</h2>
      {isFiltered ? (
        <p>
          <a href={toTraces()}>Show all traces</a>, or choose a longer time above.
        </p>
      ) : (
        <p>
          Choose a longer time above, or send some: <code>OTEL_EXPORTER_OTLP_ENDPOINT={location.origin}</code>
        </p>
      )}
    </div>
  )
}

function TraceTable({ traces }: { readonly traces: readonly TraceRow[] }): JSX.Element {
  const longest = Math.max(...traces.map(({ durationMs }) => durationMs), 0.001)
  return (
    <section class="panel" aria-label="Newest traces first">
      <Scroll label="Traces">
        <table class="traces">
          <thead>
            <tr>
              <th scope="col">Trace</th>
              <th scope="col">Result</th>
              <th scope="col" class="bar-head">Duration</th>
              <th scope="col">Services</th>
              <th scope="col" class="n">Spans</th>
              <th scope="col" class="n">Attempts</th>
              <th scope="col">Started</th>
            </tr>
          </thead>
          <tbody>
            {traces.map((trace) => (
              <Row key={trace.traceId} trace={trace} longest={longest} />
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  )
}

function Row({ trace, longest }: { readonly trace: TraceRow; readonly longest: number }): JSX.Element {
  const { traceId, name, service, services, durationMs, retries, hedges } = trace
  return (
    <tr>
      <th scope="row">
        <a href={toTrace(traceId)} title={traceId}>
          {service} <span class="soft">{name}</span>
        </a>
      </th>
      <td>
        {trace.failed ? <Tag tone="bad">failed</Tag> : <Tag tone="good">ok</Tag>} {retries > 0 && <Tag tone="warn">{retries === 1 ? 'retry' : `${retries} retries`}</Tag>}{' '}
        {hedges > 0 && <Tag tone="info">hedged</Tag>}
      </td>
      <td>
        <span class="bar" data-tone={trace.failed ? 'bad' : 'info'}>
          <span class="track" aria-hidden="true">
            <span style={{ width: `${(durationMs / longest) * 100}%` }} />
          </span>
          <span class="value">{duration(durationMs)}</span>
        </span>
      </td>
      <td>
        <span class="chips">
          {inOrder(services, service).map((one) => (
            <span key={one} class="chip" style={{ '--hue': hueOf(one) }}>
              {one}
            </span>
          ))}
        </span>
      </td>
      <td class="n">{trace.spans}</td>
      <td class="n">{trace.attempts}</td>
      <td class="time">{clockTime(trace.startAt)}</td>
    </tr>
  )
}

/** Where it began first, the others by name: so that the same way looks the same in each row. */
function inOrder(services: readonly string[], first: string): readonly string[] {
  return [...services].sort((a, b) => Number(b === first) - Number(a === first) || (a < b ? -1 : 1))
}
