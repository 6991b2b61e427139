import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { InstanceRow } from '../../monitor/answers.js'
import { age, duration, percent, perSecond, shortId } from '../format.js'
import { slowFactor, stateOf, successOf, toneOf } from '../insight.js'
import { Chevron } from '../parts/icons.js'
import { Waiting } from '../parts/problem.js'
import { Scroll } from '../parts/scroll.js'
import { Tag, TONE_OF_STATE } from '../parts/tag.js'
import { newestPick, sumInFlight } from './picks.js'
import { Why } from './why.js'

interface InstancesProps {
  readonly instances: readonly InstanceRow[] | undefined
  readonly service: string
}

const COLUMNS = 11

export function Instances({ instances, service }: InstancesProps): JSX.Element {
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  if (instances === undefined) return <Waiting />
  const toggle = (id: string): void => {
    const next = new Set(open)
    if (!next.delete(id)) next.add(id)
    setOpen(next)
  }
  const sorted = [...instances].sort((a, b) => Number(a.status === 'gone') - Number(b.status === 'gone') || (a.id < b.id ? -1 : 1))
  const most = Math.max(...instances.map(({ share }) => share), 0.001)
  const slowest = Math.max(...instances.map(({ p99Ms }) => p99Ms), 0.001)
  return (
    <section class="panel" aria-labelledby="instances-title">
      <h2 id="instances-title">
        Instances <small>and why they are chosen as they are</small>
      </h2>
      {sorted.length === 0 ? (
        <p class="quiet">
          No instance of {service} is registered: <code>mesh.register(&#123; port &#125;)</code> in it makes it one. Services that only call need none.
        </p>
      ) : (
        <Scroll label={`Instances of ${service}`}>
          <table class="instances">
            <thead>
              <tr>
                <th scope="col">Instance</th>
                <th scope="col">State</th>
                <th scope="col" class="bar-head">Share</th>
                <th scope="col" class="n">Rate</th>
                <th scope="col" class="n">Success</th>
                <th scope="col" class="n">p50</th>
                <th scope="col" class="bar-head">p99</th>
                <th scope="col" class="n" title="What one more request costs there, as its callers reckon">Cost</th>
                <th scope="col" class="n">In flight</th>
                <th scope="col" class="n">Weight</th>
                <th scope="col" class="n">Seen</th>
              </tr>
            </thead>
            <tbody>
              {sorted.map((instance) => (
                <Rows
                  key={instance.id}
                  instance={instance}
                  all={instances}
                  isOpen={open.has(instance.id)}
                  onToggle={() => toggle(instance.id)}
                  most={most}
                  slowest={slowest}
                />
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </section>
  )
}

interface RowsProps {
  readonly instance: InstanceRow
  readonly all: readonly InstanceRow[]
  readonly isOpen: boolean
  readonly onToggle: () => void
  readonly most: number
  readonly slowest: number
}

function Rows({ instance, all, isOpen, onToggle, most, slowest }: RowsProps): JSX.Element {
  const { id, address, zone, version, share, count } = instance
  const state = stateOf(instance, all)
  const factor = state === 'slow' ? slowFactor(instance, all) : undefined
  const pick = newestPick(instance)
  const weight = instance.weight ?? pick?.weight
  const inFlight = sumInFlight(instance)
  const detail = `why-${id.replace(/[^\w-]/g, '_')}`
  return (
    <>
      <tr data-state={state} data-instance={shortId(id)}>
        <th scope="row">
          <button type="button" class="disclose" aria-expanded={isOpen} aria-controls={detail} onClick={onToggle}>
            <Chevron />
            <span>
              {shortId(id)}
              <small>{[address, zone, version].filter((part) => part != null && part !== '').join(' · ')}</small>
            </span>
          </button>
        </th>
        <td>
          <Tag tone={TONE_OF_STATE[state]}>
            {state}
            {factor !== undefined && ` · ${factor.toFixed(1)}×`}
          </Tag>
        </td>
        <td>
          <Bar ratio={share / most} text={count === 0 ? '–' : percent(share)} tone="info" />
        </td>
        <td class="n">{perSecond(instance.perSec)}</td>
        <td class="n" data-tone={toneOf(instance)}>{count === 0 ? '–' : percent(successOf(instance))}</td>
        <td class="n">{count === 0 ? '–' : duration(instance.p50Ms)}</td>
        <td>
          <Bar ratio={instance.p99Ms / slowest} text={count === 0 ? '–' : duration(instance.p99Ms)} tone={state === 'slow' ? 'warn' : 'idle'} />
        </td>
        <td class="n">{pick?.costMs == null ? '–' : duration(pick.costMs)}</td>
        <td class="n">{inFlight ?? '–'}</td>
        <td class="n">{weight == null ? '–' : Math.round(weight * 100) / 100}</td>
        <td class="n">{instance.lastSeenAt == null ? '–' : age(Date.now() - instance.lastSeenAt)}</td>
      </tr>
      <tr id={detail} class="why" hidden={!isOpen}>
        <td colSpan={COLUMNS}>{isOpen && <Why instance={instance} all={all} />}</td>
      </tr>
    </>
  )
}

function Bar({ ratio, text, tone }: { readonly ratio: number; readonly text: string; readonly tone: string }): JSX.Element {
  return (
    <span class="bar" data-tone={tone}>
      <span class="track" aria-hidden="true">
        <span style={{ width: `${Math.min(Math.max(ratio, 0), 1) * 100}%` }} />
      </span>
      <span class="value">{text}</span>
    </span>
  )
}

