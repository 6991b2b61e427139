import { createContext } from 'preact'
import { useContext, useEffect, useState } from 'preact/hooks'
import type { Connection, Live } from './live.js'

export const LiveContext = createContext<Live>(undefined as unknown as Live)

export interface Answered<T> {
  readonly data: T | undefined
  readonly at: number
  readonly problem: { readonly status: number; readonly detail: string } | undefined
}

/** The latest answer to a question, asked as long as the component is on the screen. */
export function useLive<T>(path: string): Answered<T> {
  const live = useContext(LiveContext)
  const [, redraw] = useState(0)
  useEffect(() => live.subscribe(path, () => redraw((n) => n + 1)), [live, path])
  const { answer, at, problem } = live.asked(path)
  return { data: answer as T | undefined, at, problem }
}

/** Like {@link useLive}; while another question has no answer yet, that of the one before stays. */
export function useSteady<T>(path: string): Answered<T> {
  const now = useLive<T>(path)
  const [last, keep] = useState(now)
  useEffect(() => {
    if (now.data !== undefined || now.problem !== undefined) keep(now)
  }, [path, now.at])
  return now.data === undefined && now.problem === undefined ? last : now
}

export function useConnection(): Connection {
  const live = useContext(LiveContext)
  const [, redraw] = useState(0)
  useEffect(() => live.watch(() => redraw((n) => n + 1)), [live])
  return live.connection
}
