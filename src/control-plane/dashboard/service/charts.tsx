import type { JSX } from 'preact'
import { duration, percent, perSecond } from '../format.js'
import type { History } from '../history.js'
import { Chart } from './chart.js'

interface ChartsProps {
  readonly history: History
  /** When the latest sample came; a new one redraws. */
  readonly now: number
  readonly sampleSec: number
}

/** Rate, success and latency since the page was opened. */
export function Charts({ history, now, sampleSec }: ChartsProps): JSX.Element {
  const { at, perSec, successRatio, p50Ms, p99Ms } = history
  return (
    <section class="charts" aria-label={`Since this page was opened, each point of the ${sampleSec} seconds before it`}>
      <Chart title="Requests/s" at={at} now={now} lines={[{ name: 'rate', values: perSec }]} format={perSecond} from={0} />
      <Chart title="Success" at={at} now={now} lines={[{ name: 'success', values: successRatio }]} format={percent} to={1} />
      <Chart
        title="Latency"
        at={at}
        now={now}
        lines={[
          { name: 'p99', values: p99Ms },
          { name: 'p50', values: p50Ms },
        ]}
        format={duration}
        from={0}
      />
    </section>
  )
}
