import type { JSX } from 'preact'
import type { AttributeValue } from '../../monitor/span.js'
import { duration } from '../format.js'
import { toService } from '../route.js'
import type { WaterfallRow } from './waterfall.js'

const GROUPS: readonly { readonly name: string; readonly has: (key: string) => boolean }[] = [
  { name: 'Why this instance', has: (key) => key.startsWith('mesh.pick.') || key === 'mesh.endpoint.id' },
  { name: 'Mesh', has: (key) => key.startsWith('mesh.') },
  { name: 'HTTP', has: (key) => /^(?:http|url|user_agent)\./.test(key) },
  { name: 'Network', has: (key) => /^(?:network|server|client)\./.test(key) },
  { name: 'Other', has: () => true },
]

/** All that a span says, in groups. */
export function SpanDetails({ row: { span }, startAt }: { readonly row: WaterfallRow; readonly startAt: number }): JSX.Element {
  return (
    <aside class="panel details" aria-label="Chosen span">
      <h2>{span.name}</h2>
      <p class="quiet">
        <a href={toService(span.service)}>{span.service}</a> · {span.kind} · {duration(span.durationMs)}, after {duration(span.startAt - startAt)}
      </p>
      {span.statusMessage !== '' && <p class="problem">{span.statusMessage}</p>}
      {grouped(span.attributes).map(([name, attributes]) => (
        <Group key={name} name={name} attributes={attributes} />
      ))}
      {span.events.map((event, i) => (
        <Group key={i} name={`Event: ${event.name}, after ${duration(event.at - span.startAt)}`} attributes={Object.entries(event.attributes)} />
      ))}
      <Group
        name="Identifiers"
        attributes={[
          ['trace', span.traceId],
          ['span', span.spanId],
          ['parent', span.parentSpanId ?? 'none: the root'],
        ]}
      />
    </aside>
  )
}

type Entry = readonly [string, AttributeValue]

function grouped(attributes: Readonly<Record<string, AttributeValue>>): readonly (readonly [string, readonly Entry[]])[] {
  const groups = new Map<string, Entry[]>(GROUPS.map(({ name }) => [name, []]))
  for (const entry of Object.entries(attributes).sort()) groups.get(GROUPS.find(({ has }) => has(entry[0]))!.name)!.push(entry)
  return [...groups].filter(([, entries]) => entries.length > 0)
}

function Group({ name, attributes }: { readonly name: string; readonly attributes: readonly Entry[] }): JSX.Element {
  return (
    <section>
      <h3>{name}</h3>
      {attributes.length > 0 && (
        <dl class="attributes">
          {attributes.map(([key, value]) => (
            <div key={key}>
              <dt>
                {key.split(/(?<=\.)/).map((part) => (
                  <>
                    {part}
                    <wbr />
                  </>
                ))}
              </dt>
              <dd>{typeof value === 'number' && !Number.isInteger(value) ? String(Math.round(value * 1_000) / 1_000) : String(value)}</dd>
            </div>
          ))}
        </dl>
      )}
    </section>
  )
}
