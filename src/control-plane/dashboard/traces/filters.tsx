import type { JSX } from 'preact'
import { toTraces } from '../route.js'

export interface TraceFilter {
  /** Empty for any. */
  readonly service: string
  readonly failed: boolean
  readonly minMs: number | undefined
}

/** Each change is an address of its own, so that it can be kept and sent. */
export function Filters({ filter, services }: { readonly filter: TraceFilter; readonly services: readonly string[] }): JSX.Element {
  const change = (part: Partial<TraceFilter>): void => {
    location.hash = toTraces({ ...filter, ...part })
  }
  const known = services.includes(filter.service) || filter.service === '' ? services : [...services, filter.service]
  return (
    <form class="filters" aria-label="Filter" onSubmit={(event) => event.preventDefault()}>
      <label>
        Service
        <select value={filter.service} onChange={({ currentTarget }) => change({ service: currentTarget.value })}>
          <option value="">any</option>
          {known.map((service) => (
            <option key={service} value={service}>
              {service}
            </option>
          ))}
        </select>
      </label>
      <label>
        At least
        <input
          type="number"
          min="0"
          step="any"
          inputMode="decimal"
          placeholder="0"
          value={filter.minMs ?? ''}
          onChange={({ currentTarget }) => change({ minMs: currentTarget.value === '' ? undefined : Math.max(0, currentTarget.valueAsNumber) })}
        />
        ms
      </label>
      <label class="check">
        <input type="checkbox" checked={filter.failed} onChange={({ currentTarget }) => change({ failed: currentTarget.checked })} />
        Failed only
      </label>
    </form>
  )
}
