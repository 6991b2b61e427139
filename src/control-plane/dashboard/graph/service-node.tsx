import type { JSX } from 'preact'
import type { InstanceRow, ServiceRow } from '../../monitor/answers.js'
import { duration, percent, perSecond, plural, shortId } from '../format.js'
import { stateOf, successOf, toneOf } from '../insight.js'
import { TONE_OF_STATE } from '../parts/tag.js'
import { toService } from '../route.js'
import { NODE, type Point } from './layout.js'

interface ServiceNodeProps {
  readonly service: string
  readonly at: Point
  /** Undefined for who was called and never heard of. */
  readonly row: ServiceRow | undefined
  readonly instances: readonly InstanceRow[]
  readonly isOff: boolean
  readonly onChoose: (service: string | undefined) => void
}

const MOST_MARKS = 12

export function ServiceNode({ service, at, row, instances, isOff, onChoose }: ServiceNodeProps): JSX.Element {
  const isServing = row !== undefined && row.count > 0
  const here = instances.filter(({ status }) => status !== 'gone').length
  return (
    <a
      class="node"
      href={toService(service)}
      data-tone={row === undefined ? 'idle' : toneOf(row)}
      data-off={isOff || undefined}
      style={{ left: `${at.x - NODE.width / 2}em`, top: `${at.y - NODE.height / 2}em`, width: `${NODE.width}em`, height: `${NODE.height}em` }}
      onMouseEnter={() => onChoose(service)}
      onMouseLeave={() => onChoose(undefined)}
      onFocus={() => onChoose(service)}
      onBlur={() => onChoose(undefined)}
    >
      <span class="name">
        <strong title={service}>{service}</strong>
        {here > 0 && <span class="unseen">{plural(here, 'instance')}: </span>}
        <Marks instances={instances} />
      </span>
      {isServing ? (
        <span class="numbers">
          <span>
            <b>{perSecond(row.perSec)}</b>/s
          </span>
          <span class="ratio">
            <span class="unseen">success </span>
            {percent(successOf(row))}
          </span>
          <span>
            <span class="unseen">p99 </span>
            {duration(row.p99Ms)}
          </span>
        </span>
      ) : (
        <span class="numbers">{instances.length > 0 ? 'no calls in this time' : 'calls others'}</span>
      )}
    </a>
  )
}

/** One mark for each instance, in the colour of its state. */
function Marks({ instances }: { readonly instances: readonly InstanceRow[] }): JSX.Element | null {
  if (instances.length === 0) return null
  const shown = instances.length > MOST_MARKS ? instances.slice(0, MOST_MARKS - 1) : instances
  return (
    <span class="marks" aria-hidden="true">
      {shown.map((instance) => {
        const state = stateOf(instance, instances)
        return <i key={instance.id} data-tone={TONE_OF_STATE[state]} data-state={state} title={`${shortId(instance.id)}: ${state}`} />
      })}
      {shown.length < instances.length && <small>+{instances.length - shown.length}</small>}
    </span>
  )
}
