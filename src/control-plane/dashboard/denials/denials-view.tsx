import type { JSX } from 'preact'
import { ask } from '../ask.js'
import type { DenialRow } from '../../monitor/answers.js'
import { count } from '../format.js'
import { Figures } from '../parts/figures.js'
import { Problem, Waiting } from '../parts/problem.js'
import { toDenials } from '../route.js'
import { useSteady } from '../use-live.js'
import { DenialGroups, DenialList } from './denial-tables.js'
import { groupDenials } from './group.js'

const LIMIT = 200

/** Who was turned away, by whom, and by which rule. */
export function DenialsView({ service, windowSec }: { readonly service: string; readonly windowSec: number }): JSX.Element {
  const { data, problem } = useSteady<readonly DenialRow[]>(ask('/api/denials', { windowSec, service, limit: LIMIT }))
  return (
    <>
      <div class="heading">
        <h1 tabIndex={-1}>
          {service === '' ? (
            'Denials'
          ) : (
            <>
              <a href={toDenials()} class="up">Denials</a> <span aria-hidden="true">/</span> {service}
            </>
          )}
        </h1>
        {data !== undefined && data.length > 0 && <Summary denials={data} />}
      </div>
      {problem !== undefined && <Problem {...problem} />}
      {data === undefined ? (
        problem === undefined && <Waiting />
      ) : data.length === 0 ? (
        <div class="empty">
          <h2>Nobody was turned away</h2>
          <p>
            {service === '' ? 'Every request' : `Every request at ${service}`} in this time came from somebody whom the policy lets in, or no service that checks has sent its spans. Knock
            without a token to see one: <code>curl -i</code> at the address of any instance.
          </p>
        </div>
      ) : (
        <>
          <DenialGroups groups={groupDenials(data)} />
          <DenialList denials={data} />
        </>
      )}
    </>
  )
}

function Summary({ denials }: { readonly denials: readonly DenialRow[] }): JSX.Element {
  const unknown = denials.filter(({ caller }) => caller === null).length
  return (
    <Figures
      label="Denials"
      of={[
        { name: denials.length === LIMIT ? 'Newest' : 'Denied', value: count(denials.length), tone: 'warn' },
        { name: 'Without identity', value: count(unknown) },
        { name: 'By policy', value: count(denials.length - unknown) },
      ]}
    />
  )
}
