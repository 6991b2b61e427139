import type { JSX } from 'preact'
import { useContext, useState } from 'preact/hooks'
import { Brand, Moon, PauseMark, PlayMark, Sun } from './parts/icons.js'
import { toDenials, toGraph, toTraces, type Route } from './route.js'
import { chooseTheme, currentTheme } from './theme.js'
import { LiveContext, useConnection } from './use-live.js'

const WINDOWS = [
  [10, '10 s'],
  [60, '1 min'],
  [300, '5 min'],
  [600, '10 min'],
] as const

interface HeaderProps {
  readonly route: Route
  readonly windowSec: number
  readonly onWindow: (windowSec: number) => void
}

export function Header({ route, windowSec, onWindow }: HeaderProps): JSX.Element {
  const tab = (view: readonly Route['view'][], href: string, name: string): JSX.Element => (
    <a href={href} aria-current={view.includes(route.view) ? 'page' : undefined}>
      {name}
    </a>
  )
  return (
    <header class="top">
      <a class="brand" href={toGraph}>
        <Brand />
        <span>sidecarless</span>
      </a>
      <nav aria-label="Views" class="tabs">
        {tab(['graph', 'service'], toGraph, 'Graph')}
        {tab(['traces', 'trace'], toTraces(), 'Traces')}
        {tab(['denials'], toDenials(), 'Denials')}
      </nav>
      <div class="tools">
        <fieldset class="window">
          <legend class="unseen">Time that the figures are of</legend>
          {WINDOWS.map(([seconds, name]) => (
            <label key={seconds}>
              <input type="radio" name="window" checked={seconds === windowSec} onChange={() => onWindow(seconds)} />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
        <LiveButton />
        <ThemeButton />
      </div>
    </header>
  )
}

const STATES = { starting: 'Asking', live: 'Live', paused: 'Paused', lost: 'Lost' }

function LiveButton(): JSX.Element {
  const live = useContext(LiveContext)
  const { state } = useConnection()
  const isPaused = state === 'paused'
  return (
    <button
      class="live"
      type="button"
      data-state={state}
      aria-pressed={isPaused}
      aria-label={isPaused ? 'Paused: go on asking' : `${STATES[state]}: pause`}
      onClick={() => (isPaused ? live.resume() : live.pause())}
    >
      <span class="lamp" aria-hidden="true" />
      <span>{STATES[state]}</span>
      {isPaused ? <PlayMark /> : <PauseMark />}
    </button>
  )
}

function ThemeButton(): JSX.Element {
  const [theme, show] = useState(currentTheme)
  const other = theme === 'dark' ? 'light' : 'dark'
  return (
    <button class="icon" type="button" aria-label={`Use the ${other} theme`} title={`Use the ${other} theme`} onClick={() => (chooseTheme(other), show(other))}>
      {theme === 'dark' ? <Sun /> : <Moon />}
    </button>
  )
}
