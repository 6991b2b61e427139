import type { JSX } from 'preact'
import type { InstanceRow, Pick } from '../../monitor/answers.js'
import { age, count, duration, percent } from '../format.js'
import { Tag } from '../parts/tag.js'
import { toService } from '../route.js'
import { costFactors, timesCheapest, type CostFactor } from './picks.js'

/** Why an instance gets what it gets: what each caller knew of it when it last chose it. */
export function Why({ instance, all }: { readonly instance: InstanceRow; readonly all: readonly InstanceRow[] }): JSX.Element {
  if (instance.callers.length === 0) return <p class="quiet">Nobody has chosen it in this time.</p>
  return (
    <ul class="picks">
      {instance.callers.map(({ caller, count: chosen, pick }) => (
        <li key={caller}>
          <p>
            <a href={toService(caller)}>{caller}</a> chose it {count(chosen)} times{pick !== null && `, last ${told(pick.at)}`}
            {pick?.candidates != null && ` among ${pick.candidates}`}
            {pick?.excluded != null && pick.excluded > 0 && `, with ${pick.excluded} left out`}
            {pick?.stalled === true && (
              <>
                {' '}
                <Tag tone="bad">stalled: it owes an answer for too long</Tag>
              </>
            )}
          </p>
          {pick === null ? <p class="quiet">Its spans do not say why; a foreign client chose, or an older version.</p> : <Cost pick={pick} caller={caller} all={all} />}
        </li>
      ))}
    </ul>
  )
}

function told(at: number): string {
  const text = age(Date.now() - at)
  return text === 'now' ? 'just now' : `${text} ago`
}

interface CostProps {
  readonly pick: Pick
  readonly caller: string
  readonly all: readonly InstanceRow[]
}

function Cost({ pick, caller, all }: CostProps): JSX.Element | null {
  const factors = costFactors(pick)
  const times = timesCheapest(caller, pick, all)
  if (factors.length === 0 && pick.costMs == null) return null
  return (
    <dl class="cost">
      {pick.costMs != null && (
        <div class="sum">
          <dt>one more costs</dt>
          <dd>
            {duration(pick.costMs)}
            {times !== undefined && <small>{times < 1.05 ? ' the cheapest' : ` ${times.toFixed(1)}× the cheapest`}</small>}
          </dd>
        </div>
      )}
      {factors.map((factor) => (
        <div key={factor.name} data-weighs={weighs(factor)}>
          <dt>{factor.name}</dt>
          <dd>{valueOf(factor)}</dd>
        </div>
      ))}
    </dl>
  )
}

function weighs({ kind, times }: CostFactor): 'more' | 'less' | undefined {
  if (kind === 'ms') return undefined
  return times > 1.05 ? 'more' : times < 0.95 ? 'less' : undefined
}

function valueOf({ name, value, kind }: CostFactor): string {
  if (kind === 'ms') return duration(value)
  if (name === 'success' || name === 'slow start') return percent(value)
  return name === 'in flight' ? count(value) : `${Math.round(value * 100) / 100}`
}
