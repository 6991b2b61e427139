import type { JSX } from 'preact'
import { useRef } from 'preact/hooks'
import { duration, shortId } from '../format.js'
import { Tag } from '../parts/tag.js'
import { hueOf } from './hue.js'
import type { WaterfallRow } from './waterfall.js'

interface WaterfallProps {
  readonly rows: readonly WaterfallRow[]
  readonly durationMs: number
  readonly chosen: string
  readonly onChoose: (spanId: string) => void
}

const TICKS = [0, 0.25, 0.5, 0.75, 1]
const DEEPEST = 12

/** A row for each span; arrow keys go up and down, and what is chosen is told beside it. */
export function Waterfall({ rows, durationMs, chosen, onChoose }: WaterfallProps): JSX.Element {
  const list = useRef<HTMLDivElement>(null)
  const go = (index: number): void => {
    const row = rows[Math.min(Math.max(index, 0), rows.length - 1)]
    if (row === undefined) return
    onChoose(row.span.spanId)
    list.current?.querySelectorAll<HTMLElement>('[role=option]')[rows.indexOf(row)]?.focus()
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const at = rows.findIndex(({ span }) => span.spanId === chosen)
    const target = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key]
    if (target === undefined) return
    event.preventDefault()
    go(target)
  }
  return (
    <section class="panel waterfall" aria-label="Waterfall">
      <div class="ruler" aria-hidden="true">
        <div class="ticks">
          {TICKS.map((ratio) => (
            <span key={ratio} style={{ left: `${ratio * 100}%` }}>
              {duration(durationMs * ratio)}
            </span>
          ))}
        </div>
      </div>
      <div class="spans" role="listbox" aria-label="Spans" ref={list} onKeyDown={onKeyDown}>
        {rows.map((row) => (
          <Row key={row.span.spanId} row={row} isChosen={row.span.spanId === chosen} onChoose={onChoose} />
        ))}
      </div>
    </section>
  )
}

interface RowProps {
  readonly row: WaterfallRow
  readonly isChosen: boolean
  readonly onChoose: (spanId: string) => void
}

function Row({ row: { span, depth, startRatio, widthRatio, attempt, result }, isChosen, onChoose }: RowProps): JSX.Element {
  const again = attempt === undefined || attempt.kind === 'first' ? undefined : attempt.kind === 'hedge' ? 'hedge' : `retry ${attempt.resends}`
  return (
    <div
      class="span"
      role="option"
      aria-selected={isChosen}
      tabIndex={isChosen ? 0 : -1}
      data-failed={span.failed || undefined}
      data-attempt={attempt?.kind}
      style={{ '--hue': hueOf(span.service), '--depth': Math.min(depth, DEEPEST) }}
      onClick={() => onChoose(span.spanId)}
    >
      <span class="what">
        <span class="who">
          {span.service}
          {attempt?.instance !== undefined && <span class="to"> → {shortId(attempt.instance)}</span>}
        </span>
        <span class="did">{span.name}</span>
        {again !== undefined && <Tag tone={attempt?.kind === 'hedge' ? 'info' : 'warn'}>{again}</Tag>}
      </span>
      <span class="lane">
        <span class="beam" style={{ left: `${startRatio * 100}%`, width: `${widthRatio * 100}%` }} />
      </span>
      <span class="took">
        <span>{duration(span.durationMs)}</span>
        <span class="result">
          {result}
          {span.failed && <span class="unseen"> failed</span>}
        </span>
      </span>
    </div>
  )
}
