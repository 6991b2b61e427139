import type { IncomingMessage } from 'node:http'
import { guard, isLoopback } from '../control-plane/http/guard.js'

/** Why a request is not answered; undefined when it is. */
export function refusalOf({ method, headers }: Pick<IncomingMessage, 'method' | 'headers'>, listensOn: string): { readonly status: number; readonly reason: string } | undefined {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, reason: `${method} is not understood here; use GET` }
  try {
    // On loopback a page of another site may reach it through a browser of this machine. Elsewhere any name may be the right one.
    guard(isLoopback(listensOn) ? headers : { ...headers, host: 'localhost' })
    return undefined
  } catch (error) {
    return { status: 403, reason: (error as Error).message }
  }
}
