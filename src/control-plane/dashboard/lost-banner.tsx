import type { JSX } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import { LiveContext, useConnection } from './use-live.js'

/** Says that the control plane is gone, since when, what to do, and when it is asked again. */
export function LostBanner(): JSX.Element {
  const live = useContext(LiveContext)
  const { state, lostAt, nextTryAt } = useConnection()
  const now = useNow(state === 'lost')
  const seconds = Math.max(0, Math.ceil((nextTryAt - now) / 1_000))
  return (
    <div role="status" class="banners">
      {state === 'lost' && (
        <div class="lost">
          <p>
            <strong>The control plane does not answer</strong> since {new Date(lostAt).toLocaleTimeString()}. What is shown is as old as
            that. Start it with <code>sidecarless dev --port {location.port || '80'}</code>; services find it again by themselves.
          </p>
          <p class="retry">
            <span aria-hidden="true">{seconds > 0 ? `Next try in ${seconds} s` : 'Trying …'}</span>
            <button type="button" onClick={() => live.resume()}>
              Try now
            </button>
          </p>
        </div>
      )}
    </div>
  )
}

function useNow(isNeeded: boolean): number {
  const [now, tell] = useState(Date.now)
  useEffect(() => {
    if (!isNeeded) return undefined
    tell(Date.now())
    const timer = setInterval(() => tell(Date.now()), 500)
    return () => clearInterval(timer)
  }, [isNeeded])
  return now
}
