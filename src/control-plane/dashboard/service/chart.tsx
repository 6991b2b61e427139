import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'

export interface ChartLine {
  readonly name: string
  readonly values: readonly (number | null)[]
}

export interface ChartProps {
  readonly title: string
  readonly at: readonly number[]
  readonly now: number
  readonly lines: readonly ChartLine[]
  readonly format: (value: number) => string
  /** Ends of the scale that hold whatever the values are. */
  readonly from?: number
  readonly to?: number
}

const HEIGHT_REM = 8.2
const AXIS_REM = 4.4
/** What is shown at least, so that a line does not begin as a dot as wide as the chart. */
const LEAST_SPAN_SEC = 120

export function Chart({ title, at, now, lines, format, from, to }: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null)
  const chart = useRef<uPlot>()
  useEffect(() => {
    const element = place.current!
    const draw = (): void => {
      chart.current?.destroy()
      chart.current = new uPlot(optionsOf(element, lines, format, { from, to }), dataOf(at, lines), element)
    }
    draw()
    // Colours and sizes are read when it is drawn; another theme, font size or width draws it anew.
    const size = new ResizeObserver(() => chart.current?.width !== element.clientWidth && draw())
    size.observe(element)
    const theme = new MutationObserver(draw)
    theme.observe(document.documentElement, { attributeFilter: ['data-theme'] })
    const system = matchMedia('(prefers-color-scheme: dark)')
    system.addEventListener('change', draw)
    return () => {
      size.disconnect()
      theme.disconnect()
      system.removeEventListener('change', draw)
      chart.current?.destroy()
    }
  }, [])
  useEffect(() => chart.current?.setData(dataOf(at, lines)), [now, at.length])
  const latest = lines.map(({ name, values }) => ({ name, value: values.findLast((value) => value !== null) }))
  const told = latest.map(({ name, value }) => `${name} ${value == null ? 'unknown' : format(value)}`).join(', ')
  return (
    <figure class="chart">
      <figcaption>
        <span>{title}</span>
        {latest.map(({ name, value }, i) => (
          <span key={name} class={`line-${i}`}>
            {latest.length > 1 && <small>{name} </small>}
            {value == null ? '–' : format(value)}
          </span>
        ))}
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={`${title}: ${told}`} />
    </figure>
  )
}

function dataOf(at: readonly number[], lines: readonly ChartLine[]): uPlot.AlignedData {
  return [at.map((ms) => ms / 1_000), ...lines.map(({ values }) => [...values])]
}

function optionsOf(element: HTMLElement, lines: readonly ChartLine[], format: (value: number) => string, ends: { from: number | undefined; to: number | undefined }): uPlot.Options {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize)
  const { color: ink, fontFamily } = getComputedStyle(element)
  const colourOf = (name: string): string => resolved(element, name)
  const font = `${Math.round(rem * 0.78)}px ${fontFamily}`
  const axis = { stroke: ink, font, grid: { stroke: colourOf('--line'), width: 1 }, ticks: { show: false } }
  return {
    width: element.clientWidth,
    height: HEIGHT_REM * rem,
    padding: [rem * 0.5, rem * 0.5, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true, range: (_, min, max) => [Math.min(min ?? max, max - LEAST_SPAN_SEC), max] },
      y: { range: (_, min, max) => rangeOf(min, max, ends) },
    },
    axes: [
      { ...axis, size: rem * 1.7, space: rem * 6, grid: { show: false }, values: (_, ticks) => ticks.map(timeOfDay) },
      { ...axis, size: rem * AXIS_REM, space: rem * 2.2, values: (_, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...lines.map(({ name }, i) => ({
        label: name,
        stroke: colourOf(`--line-${i}`),
        width: rem * 0.11,
        ...(i === 0 && { fill: colourOf('--line-fill') }),
        points: { show: false },
      })),
    ],
  }
}

function rangeOf(min: number | null, max: number | null, { from, to }: { from: number | undefined; to: number | undefined }): [number, number] {
  const low = from ?? Math.min(min ?? 0, 0.9)
  const high = to ?? (max ?? 0) * 1.15
  return [low, high > low ? high : low + 1]
}

function timeOfDay(seconds: number): string {
  const date = new Date(seconds * 1_000)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

/** A canvas knows no custom properties: an element that takes one tells which colour it is. */
function resolved(parent: HTMLElement, name: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  parent.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
