import type { JSX } from 'preact'
import type { EdgeRow } from '../../monitor/answers.js'
import { duration, percent, perSecond } from '../format.js'
import { successOf, toneOf } from '../insight.js'
import { Lock } from '../parts/icons.js'
import { toTraces } from '../route.js'
import type { Point } from './layout.js'

interface EdgeLabelProps {
  readonly at: Point
  readonly row: EdgeRow
  readonly isOff: boolean
}

/** What stands on an edge: rate above, success and p99 below; leads to the traces. */
export function EdgeLabel({ at, row, isOff }: EdgeLabelProps): JSX.Element {
  return (
    <a
      class="edge-label"
      href={toTraces({ service: row.callee })}
      data-tone={toneOf(row)}
      data-off={isOff || undefined}
      style={{ left: `${at.x}em`, top: `${at.y}em` }}
    >
      <span>
        <span class="unseen">
          {row.caller} calls {row.callee}:{' '}
        </span>
        <b>{perSecond(row.perSec)}</b>/s{' '}
        {row.mutual && (
          <span title="Both sides know who the other is">
            <Lock />
            <span class="unseen">identity verified</span>
          </span>
        )}
      </span>
      <span>
        <span class="unseen">success </span>
        <span class="ratio">{percent(successOf(row))}</span> · <span class="unseen">p99 </span>
        {duration(row.p99Ms)}
        <span class="unseen">; show traces</span>
      </span>
    </a>
  )
}
