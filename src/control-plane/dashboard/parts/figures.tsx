import type { ComponentChildren, JSX } from 'preact'
import type { Tone } from '../insight.js'

export interface Figure {
  readonly name: string
  readonly value: ComponentChildren
  readonly tone?: Tone
}

/** A row of figures, each under its name. */
export function Figures({ of, label }: { readonly of: readonly Figure[]; readonly label: string }): JSX.Element {
  return (
    <dl class="figures" aria-label={label}>
      {of.map(({ name, value, tone }) => (
        <div key={name} data-tone={tone}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
