import type { JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ask } from './ask.js'
import type { Memory, ServiceRow } from '../monitor/answers.js'
import { Boundary } from './boundary.js'
import { DenialsView } from './denials/denials-view.js'
import { GraphView } from './graph/graph-view.js'
import { Header } from './header.js'
import { Histories, SAMPLE_SEC } from './history.js'
import { count } from './format.js'
import { LostBanner } from './lost-banner.js'
import { parseRoute, toGraph, type Route } from './route.js'
import { ServiceView } from './service/service-view.js'
import { TraceView } from './traces/trace-view.js'
import { TracesView } from './traces/traces-view.js'
import { useLive } from './use-live.js'

const histories = new Histories()

export function App(): JSX.Element {
  const route = useRoute()
  const [windowSec, setWindowSec] = useState(60)
  const main = useRef<HTMLElement>(null)
  const samples = useLive<readonly ServiceRow[]>(ask('/api/services', { windowSec: SAMPLE_SEC }))
  if (samples.data !== undefined) histories.add(samples.at, samples.data)

  const title = titleOf(route)
  const isFirst = useRef(true)
  useEffect(() => {
    document.title = `${title} · sidecarless`
    // Who came by a link goes on reading at the new heading; who has just opened the page starts at its top.
    if (!isFirst.current) {
      main.current?.querySelector('h1')?.focus({ preventScroll: true })
      scrollTo(0, 0)
    }
    isFirst.current = false
  }, [title])

  return (
    <>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to content
      </a>
      <Header route={route} windowSec={windowSec} onWindow={setWindowSec} />
      <LostBanner />
      <main id="main" tabIndex={-1} ref={main}>
        <Boundary key={title}>{viewOf(route, windowSec)}</Boundary>
      </main>
      <Footer />
    </>
  )
}

function viewOf(route: Route, windowSec: number): JSX.Element {
  switch (route.view) {
    case 'graph':
      return <GraphView windowSec={windowSec} />
    case 'service':
      return <ServiceView key={route.service} service={route.service} windowSec={windowSec} histories={histories} />
    case 'traces':
      return <TracesView filter={route} windowSec={windowSec} />
    case 'trace':
      return <TraceView key={route.traceId} traceId={route.traceId} spanId={route.spanId} />
    case 'denials':
      return <DenialsView service={route.service} windowSec={windowSec} />
    case 'nowhere':
      return (
        <div class="empty">
          <h1 tabIndex={-1}>Nothing is shown here</h1>
          <p>
            The address names no view. <a href={toGraph}>Back to the graph</a>
          </p>
        </div>
      )
  }
}

function titleOf(route: Route): string {
  if (route.view === 'service') return route.service
  if (route.view === 'trace') return `Trace ${route.traceId.slice(0, 8)}`
  return { graph: 'Graph', traces: 'Traces', denials: 'Denials', nowhere: 'Nothing here' }[route.view]
}

function useRoute(): Route {
  const [route, go] = useState(() => parseRoute(location.hash))
  useEffect(() => {
    const changed = (): void => go(parseRoute(location.hash))
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return route
}

const MEGABYTE = 1024 * 1024

function Footer(): JSX.Element {
  const { data } = useLive<Memory>('/api/memory')
  return (
    <footer class="foot">
      <span>One machine, kept in memory</span>
      {data !== undefined && (
        <span>
          {count(data.spans)} spans of {count(data.traces)} traces, {(data.spanBytes / MEGABYTE).toFixed(1)} of{' '}
          {(data.maxSpanBytes / MEGABYTE).toFixed(0)} MB; the oldest go first
        </span>
      )}
    </footer>
  )
}
