import type { JSX } from 'preact'
import type { EdgeRow } from '../../monitor/answers.js'
import { duration, percent, perSecond } from '../format.js'
import { successOf, toneOf } from '../insight.js'
import { Scroll } from '../parts/scroll.js'
import { Tag } from '../parts/tag.js'
import { toService } from '../route.js'

interface NeighboursProps {
  readonly title: string
  readonly edges: readonly EdgeRow[]
  readonly other: 'caller' | 'callee'
  readonly none: string
}

/** Those on one side of a service. */
export function Neighbours({ title, edges, other, none }: NeighboursProps): JSX.Element {
  return (
    <section class="panel" aria-label={title}>
      <h2>{title}</h2>
      {edges.length === 0 ? (
        <p class="quiet">{none}</p>
      ) : (
        <Scroll label={title}>
          <table>
            <thead>
              <tr>
                <th scope="col">Service</th>
                <th scope="col" class="n">Rate</th>
                <th scope="col" class="n">Success</th>
                <th scope="col" class="n">p50</th>
                <th scope="col" class="n">p99</th>
                <th scope="col" class="n">Retries</th>
                <th scope="col">Identity</th>
              </tr>
            </thead>
            <tbody>
              {edges.map((edge) => (
                <tr key={edge[other]}>
                  <th scope="row">
                    <a href={toService(edge[other])}>{edge[other]}</a>
                  </th>
                  <td class="n">{perSecond(edge.perSec)}</td>
                  <td class="n" data-tone={toneOf(edge)}>{percent(successOf(edge))}</td>
                  <td class="n">{duration(edge.p50Ms)}</td>
                  <td class="n">{duration(edge.p99Ms)}</td>
                  <td class="n">{edge.retries}</td>
                  <td>{edge.mutual ? <Tag tone="good">verified</Tag> : <span class="none">not shown</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  )
}
