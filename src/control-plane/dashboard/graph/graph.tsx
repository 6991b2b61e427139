import type { JSX } from 'preact'
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import type { EdgeRow, InstanceRow, ServiceRow } from '../../monitor/answers.js'
import { toneOf } from '../insight.js'
import { useMedia } from '../use-media.js'
import { EdgeLabel } from './edge-label.js'
import { edgeWidth, instancesByService, keyOf, topologyOf } from './topology.js'
import { layoutOf, type Layout, type PlacedEdge } from './layout.js'
import { ServiceNode } from './service-node.js'

interface GraphProps {
  readonly services: readonly ServiceRow[]
  readonly edges: readonly EdgeRow[]
  readonly instances: readonly InstanceRow[]
}

/** The drawing. Lines are SVG below, services and figures are plain elements above, so that text stays text. */
export function Graph({ services, edges, instances }: GraphProps): JSX.Element {
  const isNarrow = useMedia('(max-width: 46rem)')
  const topology = topologyOf(services, edges)
  const key = keyOf(topology)
  const layout = useMemo(() => layoutOf(topology, isNarrow ? 'down' : 'right'), [key, isNarrow])
  const [frame, scale] = useScale(layout)
  const [chosen, choose] = useState<string>()
  const rows = new Map(edges.map((edge) => [edgeKey(edge), edge]))
  const byService = instancesByService(instances)
  const isOff = ({ caller, callee }: { caller: string; callee: string }): boolean => chosen !== undefined && chosen !== caller && chosen !== callee
  return (
    <div class="graph" ref={frame} role="group" aria-label="Service graph; the table below says the same" tabIndex={0}>
      <div class="plane" style={{ fontSize: `${scale}rem`, width: `${layout.width}em`, height: `${layout.height}em` }}>
        <svg viewBox={`0 0 ${layout.width} ${layout.height}`} aria-hidden="true">
          {layout.edges.map((placed) => {
            const row = rows.get(edgeKey(placed))
            return row === undefined ? null : <Line key={edgeKey(placed)} placed={placed} row={row} isOff={isOff(placed)} />
          })}
        </svg>
        {layout.nodes.map(({ service, x, y }) => (
          <ServiceNode
            key={service}
            service={service}
            at={{ x, y }}
            row={services.find((row) => row.service === service)}
            instances={byService.get(service) ?? []}
            isOff={chosen !== undefined && chosen !== service && !edges.some((edge) => touches(edge, service, chosen))}
            onChoose={choose}
          />
        ))}
        {layout.edges.map((placed) => {
          const row = rows.get(edgeKey(placed))
          return row === undefined ? null : <EdgeLabel key={edgeKey(placed)} at={placed.label} row={row} isOff={isOff(placed)} />
        })}
      </div>
    </div>
  )
}

interface LineProps {
  readonly placed: PlacedEdge
  readonly row: EdgeRow
  readonly isOff: boolean
}

function Line({ placed: { path, tip, degrees }, row, isOff }: LineProps): JSX.Element {
  const width = edgeWidth(row.perSec)
  // Faster where there is more of it, and nothing moves where nothing is called.
  const seconds = Math.min(Math.max(6 / (1 + Math.log10(1 + row.perSec)), 1.5), 6)
  const head = 0.32 + width * 0.55
  return (
    <g class="edge" data-tone={toneOf(row)} data-off={isOff || undefined}>
      <path class="line" d={path} style={{ strokeWidth: width }} />
      {row.perSec > 0 && <path class="flow" d={path} style={{ strokeWidth: Math.max(width * 0.5, 0.09), animationDuration: `${seconds}s` }} />}
      <path class="head" d={`M0 0L-0.8 ${-head}L-0.8 ${head}z`} transform={`translate(${tip.x} ${tip.y}) rotate(${degrees})`} />
    </g>
  )
}

function edgeKey({ caller, callee }: { readonly caller: string; readonly callee: string }): string {
  return JSON.stringify([caller, callee])
}

function touches({ caller, callee }: EdgeRow, one: string, other: string): boolean {
  return (caller === one && callee === other) || (caller === other && callee === one)
}

const LEAST_SCALE = 0.72
const MOST_SCALE = 1.3

/** How large an em of the drawing is, so that it fills its frame and can still be read. */
function useScale({ width, height }: Layout): [(element: HTMLElement | null) => void, number] {
  const [room, measure] = useState({ width: 0, height: 0 })
  const observer = useRef<ResizeObserver>()
  useEffect(() => () => observer.current?.disconnect(), [])
  const frame = useMemo(
    () => (element: HTMLElement | null) => {
      observer.current?.disconnect()
      if (element === null) return
      const look = (): void => measure({ width: element.clientWidth, height: innerHeight * 0.6 })
      look()
      observer.current = new ResizeObserver(look)
      observer.current.observe(element)
    },
    [],
  )
  if (room.width === 0) return [frame, 1]
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize)
  const fitting = Math.min(room.width / (width * rem), room.height / (height * rem))
  return [frame, Math.round(Math.min(Math.max(fitting, LEAST_SCALE), MOST_SCALE) * 100) / 100]
}
