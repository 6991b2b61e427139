import { render } from 'preact'
import { App } from './app.js'
import { Live } from './live.js'
import { applyChosenTheme } from './theme.js'
import { LiveContext } from './use-live.js'

applyChosenTheme()

const live = new Live({
  fetch: (path, signal) => fetch(path, { signal, headers: { accept: 'application/json' } }),
  now: () => Date.now(),
  schedule: (task, delayMs) => {
    const timer = setTimeout(task, delayMs)
    return () => clearTimeout(timer)
  },
  isHidden: () => document.hidden,
})
document.addEventListener('visibilitychange', () => live.seen())
window.addEventListener('online', () => live.seen())

const place = document.getElementById('page')!
place.replaceChildren()
render(
  <LiveContext.Provider value={live}>
    <App />
  </LiveContext.Provider>,
  place,
)
