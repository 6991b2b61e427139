import type { JSX } from 'preact'
import type { EdgeRow } from '../../monitor/answers.js'
import { count, duration, percent, perSecond } from '../format.js'
import { successOf, toneOf } from '../insight.js'
import { Scroll } from '../parts/scroll.js'
import { Tag } from '../parts/tag.js'
import { toService, toTraces } from '../route.js'

/** The graph as a table: the same figures, and those that found no room in it. */
export function EdgeTable({ edges }: { readonly edges: readonly EdgeRow[] }): JSX.Element {
  const sorted = [...edges].sort((a, b) => b.perSec - a.perSec || (a.caller + a.callee < b.caller + b.callee ? -1 : 1))
  return (
    <section class="panel" aria-labelledby="edges-title">
      <h2 id="edges-title">Who calls whom</h2>
      {sorted.length === 0 ? (
        <p class="quiet">
          No call in this time. Calls show as soon as a caller has an OpenTelemetry SDK that sends its spans to <code>{location.origin}</code>.
        </p>
      ) : (
        <Scroll label="Who calls whom">
          <table class="edges">
            <thead>
              <tr>
                <th scope="col">Caller → callee</th>
                <th scope="col" class="n">Calls/s</th>
                <th scope="col" class="n">Success</th>
                <th scope="col" class="n">p50</th>
                <th scope="col" class="n">p99</th>
                <th scope="col" class="n">Calls</th>
                <th scope="col" class="n">Attempts</th>
                <th scope="col" class="n">Retries</th>
                <th scope="col" class="n">Hedges</th>
                <th scope="col">Identity</th>
                <th scope="col">
                  <span class="unseen">Traces</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((edge) => (
                <Row key={JSON.stringify([edge.caller, edge.callee])} edge={edge} />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  )
}

function Row({ edge }: { readonly edge: EdgeRow }): JSX.Element {
  const { caller, callee, retries, hedges } = edge
  return (
    <tr data-caller={caller} data-callee={callee}>
      <th scope="row">
        <a href={toService(caller)}>{caller}</a> <span aria-label="calls">→</span> <a href={toService(callee)}>{callee}</a>
      </th>
      <td class="n">{perSecond(edge.perSec)}</td>
      <td class="n" data-tone={toneOf(edge)}>{percent(successOf(edge))}</td>
      <td class="n">{duration(edge.p50Ms)}</td>
      <td class="n">{duration(edge.p99Ms)}</td>
      <td class="n" data-field="calls">{count(edge.calls)}</td>
      <td class="n" data-field="attempts">{count(edge.attempts)}</td>
      <td class="n">{retries > 0 ? <Tag tone="warn">{count(retries)}</Tag> : <span class="none">0</span>}</td>
      <td class="n">{hedges > 0 ? <Tag tone="info">{count(hedges)}</Tag> : <span class="none">0</span>}</td>
      <td>{edge.mutual ? <Tag tone="good">verified</Tag> : <span class="none">not shown</span>}</td>
      <td>
        <a href={toTraces({ service: callee })} aria-label={`Traces of ${callee}`}>traces</a>
      </td>
    </tr>
  )
}
