import type { Clock } from '../../base/clock.js'
import type { Random } from '../../base/random.js'
import { Refusal } from '../http/answer.js'
import type { Exchange } from '../http/route.js'
import type { Catalog } from './catalog.js'
import { parseGoDuration } from './go-duration.js'

const DEFAULT_WAIT_MS = 5 * 60_000
const MAX_WAIT_MS = 10 * 60_000

export interface BlockingQueryContext {
  readonly catalog: Catalog
  readonly clock: Clock
  readonly random: Random
}

/**
 * Holds a query back until what it asks for has changed since the index that it names, or its time is over, or nobody
 * waits any more. Up to a sixteenth is added to the time, so that clients which began together do not return together.
 * Source: {@link https://developer.hashicorp.com/consul/api-docs/features/blocking | Consul, Blocking Queries}.
 */
export async function untilChanged(exchange: Exchange, indexNow: () => number, context: BlockingQueryContext): Promise<void> {
  const { catalog, clock, random } = context
  const seenIndex = readIndex(exchange.query)
  const waitMs = readWaitMs(exchange.query)
  // An index from the future is another registry's; its client must start anew.
  const isNews = (): boolean => seenIndex === 0 || indexNow() > seenIndex || seenIndex > catalog.index
  if (isNews() || exchange.gone.aborted) return
  await new Promise<void>((resolve) => {
    const finish = (): void => {
      timer.cancel()
      forget()
      exchange.gone.removeEventListener('abort', finish)
      resolve()
    }
    const timer = clock.after(waitMs + (random() * waitMs) / 16, finish)
    const forget = catalog.onChange(() => void (isNews() && finish()))
    exchange.gone.addEventListener('abort', finish)
  })
}

function readIndex(query: URLSearchParams): number {
  const text = query.get('index') ?? ''
  if (!/^\d{0,20}$/.test(text)) throw new Refusal(400, 'Invalid index')
  return Number(text)
}

function readWaitMs(query: URLSearchParams): number {
  const text = query.get('wait') ?? ''
  const waitMs = text === '' ? 0 : parseGoDuration(text)
  if (waitMs === undefined) throw new Refusal(400, 'Invalid wait time')
  return waitMs === 0 ? DEFAULT_WAIT_MS : Math.min(waitMs, MAX_WAIT_MS)
}
