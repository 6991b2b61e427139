import type { JSX } from 'preact'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { ask } from '../ask.js'
import type { Trace } from '../../monitor/answers.js'
import { clockTime, count, duration } from '../format.js'
import { Figures } from '../parts/figures.js'
import { Problem, Waiting } from '../parts/problem.js'
import { toTrace, toTraces } from '../route.js'
import { useLive } from '../use-live.js'
import { SpanDetails } from './span-details.js'
import { Waterfall } from './waterfall-chart.js'
import { waterfallOf } from './waterfall.js'

/** One trace: who caused what, when, and which of the attempts were second ones. */
export function TraceView({ traceId, spanId }: { readonly traceId: string; readonly spanId: string | undefined }): JSX.Element {
  const { data, problem } = useLive<Trace>(ask(`/api/traces/${encodeURIComponent(traceId)}`))
  const spans = data?.spans ?? []
  const waterfall = useMemo(() => waterfallOf(spans), [spans.length, data?.traceId])
  const [chosen, choose] = useState(spanId)
  useEffect(() => choose(spanId), [spanId])
  const { rows, startAt, durationMs } = waterfall
  const row = rows.find(({ span }) => span.spanId === chosen) ?? rows[0]
  const select = (id: string): void => {
    choose(id)
    history.replaceState(null, '', toTrace(traceId, id))
  }
  return (
    <>
      <div class="heading">
        <h1 tabIndex={-1}>
          <a href={toTraces()} class="up">Traces</a> <span aria-hidden="true">/</span> <span class="id">{traceId}</span>
        </h1>
        {rows.length > 0 && (
          <Figures
            label="This trace"
            of={[
              { name: 'Duration', value: duration(durationMs) },
              { name: 'Services', value: count(new Set(spans.map(({ service }) => service)).size) },
              { name: 'Spans', value: count(rows.length) },
              { name: 'Attempts', value: count(rows.filter(({ attempt }) => attempt !== undefined).length) },
              { name: 'Started', value: clockTime(startAt) },
            ]}
          />
        )}
      </div>
      {problem !== undefined && <Problem {...problem} />}
      {rows.length === 0 && problem === undefined && <Waiting />}
      {row !== undefined && (
        <div class="trace">
          <Waterfall rows={rows} durationMs={durationMs} chosen={row.span.spanId} onChoose={select} />
          <SpanDetails row={row} startAt={startAt} />
        </div>
      )}
    </>
  )
}
