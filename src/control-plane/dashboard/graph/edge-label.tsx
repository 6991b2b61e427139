import type { JSX } from 'preact'
import type { EdgeRow } from '../api.js'
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
  const success = percent(successOf(row))
  const verified = row.mutual ? ', identity verified' : ''
  const label = `${row.caller} calls ${row.callee}: ${perSecond(row.perSec)} per second, ${success} success, p99 ${duration(row.p99Ms)}${verified}; show traces`
  return (
    <a
      class="edge-label"
      href={toTraces({ service: row.callee })}
      data-tone={toneOf(row)}
      data-off={isOff || undefined}
      style={{ left: `${at.x}em`, top: `${at.y}em` }}
      aria-label={label}
      title={label}
    >
      <span>
        <b>{perSecond(row.perSec)}</b>/s {row.mutual && <Lock />}
      </span>
      <span>
        <span class="ratio">{success}</span> · {duration(row.p99Ms)}
      </span>
    </a>
  )
}
