import type { JSX } from 'preact'
import type { DenialRow } from '../../monitor/answers.js'
import { age, clockTime, count } from '../format.js'
import { Scroll } from '../parts/scroll.js'
import { Tag } from '../parts/tag.js'
import { toService, toTrace } from '../route.js'
import type { DenialGroup } from './group.js'

/** The few things that went on, each with how often. */
export function DenialGroups({ groups }: { readonly groups: readonly DenialGroup[] }): JSX.Element {
  return (
    <section class="panel" aria-labelledby="groups-title">
      <h2 id="groups-title">Who, to what, by which rule</h2>
      <Scroll label="Who was turned away, by whom, by which rule">
        <table class="groups">
          <thead>
            <tr>
              <th scope="col">Caller → service</th>
              <th scope="col" class="n">Times</th>
              <th scope="col">Answer</th>
              <th scope="col">Rule</th>
              <th scope="col" class="n">Last</th>
            </tr>
          </thead>
          <tbody>
            {groups.map((group) => (
              <tr key={JSON.stringify([group.caller, group.service, group.code, group.reason])}>
                <th scope="row">
                  <Who {...group} />
                </th>
                <td class="n">{count(group.count)}</td>
                <td>
                  <Answer code={group.code} />
                </td>
                <td class="rule">{group.reason ?? <span class="none">not told</span>}</td>
                <td class="n">{age(Date.now() - group.lastAt)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  )
}

export function DenialList({ denials }: { readonly denials: readonly DenialRow[] }): JSX.Element {
  return (
    <section class="panel" aria-labelledby="denials-title">
      <h2 id="denials-title">One by one, newest first</h2>
      <Scroll label="Denials">
        <table class="denials">
          <thead>
            <tr>
              <th scope="col">Time</th>
              <th scope="col">Caller → service</th>
              <th scope="col">Request</th>
              <th scope="col">Answer</th>
              <th scope="col">From</th>
              <th scope="col">Trace</th>
            </tr>
          </thead>
          <tbody>
            {denials.map((denial, i) => (
              <tr key={`${denial.traceId}-${denial.at}-${i}`}>
                <th scope="row" class="time">{clockTime(denial.at)}</th>
                <td>
                  <Who {...denial} />
                </td>
                <td class="mono">
                  {denial.method} {denial.path}
                </td>
                <td>
                  {denial.status} <Answer code={denial.code} />
                </td>
                <td class="mono">{denial.address ?? <span class="none">–</span>}</td>
                <td>
                  <a href={toTrace(denial.traceId)} class="mono">{denial.traceId.slice(0, 8)}</a>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  )
}

function Who({ caller, service }: { readonly caller: string | null; readonly service: string }): JSX.Element {
  return (
    <>
      {caller === null ? <em>unknown</em> : <a href={toService(caller)}>{caller}</a>} <span aria-label="at">→</span>{' '}
      <a href={toService(service)}>{service}</a>
    </>
  )
}

function Answer({ code }: { readonly code: string }): JSX.Element {
  return (
    <Tag tone={code.endsWith('FORBIDDEN') ? 'warn' : 'bad'} title={code}>
      {code.replace(/^MESH_ERR_/, '').toLowerCase().replaceAll('_', ' ')}
    </Tag>
  )
}
