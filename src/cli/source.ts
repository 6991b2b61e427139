import type { Clock } from '../base/clock.js'
import { meshErrorIn } from '../base/errors.js'
import { boundedText, createHttpClient, type HttpAnswer } from '../base/http.js'
import { linesOf } from '../base/http-lines.js'
import { printable } from './width.js'

/** What is asked: a control plane, or one process by its admin listener. */
export interface Source {
  readonly url: string
  /** The JSON that a path answers. Throws {@link SourceError}. */
  read(path: string, query?: Query): Promise<unknown>
  /** What a path tells as it happens (server-sent events), until it ends or the signal aborts. Throws {@link SourceError}. */
  follow(path: string, query: Query, signal: AbortSignal): AsyncIterable<ServerEvent>
  /** The error for an answer that none such gives. */
  unlike(path: string, what: string): SourceError
  /** The error for a stream that ended by itself. */
  ended(cause?: unknown): SourceError
  close(): Promise<void>
}

export type Query = Readonly<Record<string, string | number | undefined>>

export interface ServerEvent {
  readonly name: string
  readonly data: unknown
}

/** Nobody answers, or not what was asked for; the message says what to do. */
export class SourceError extends Error {}

/** What the answers come from, and what to do when there are none. */
export interface SourceKind {
  readonly noun: string
  readonly advice: string
}

const TIMEOUT_MS = 10_000
const MAX_BYTES = 64 * 1024 * 1024
const MAX_LINE_BYTES = 1024 * 1024
/** A quiet mesh is no reason to hang up. */
const IDLE_MS = 7 * 24 * 3600 * 1000

export function openSource(url: string, kind: SourceKind, clock: Clock): Source {
  const http = createHttpClient(clock)
  const unreachable = (cause: unknown): SourceError => {
    const why = (meshErrorIn(cause)?.message ?? String(cause)).replace(/^.* failed: /, '')
    return new SourceError(`No ${kind.noun} answers at ${url}: ${printable(why)}\n${kind.advice}`, { cause })
  }
  const unlike = (path: string, what: string): SourceError =>
    new SourceError(`${url}${path} answered with ${what}: this is no ${kind.noun} of sidecarless, or one of another version`)
  const ended = (cause?: unknown): SourceError => new SourceError(`The ${kind.noun} at ${url} hung up`, { cause })
  const refused = (path: string, { status, headers, body }: HttpAnswer): SourceError => {
    const detail = headers['content-type']?.includes('json') ? detailIn(body) : body.split('\n')[0] || undefined
    if (status === 404 && !/^(?:no trace|this process)/.test(detail ?? '')) return unlike(path, 'status 404')
    return new SourceError(detail === undefined ? `${url}${path} answered with status ${status}` : printable(detail))
  }
  const urlOf = (path: string, query: Query): string => {
    const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as [string, string]]))
    return `${url}${path}${given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`}`
  }
  return {
    url,
    async read(path, query = {}) {
      const request = { url: urlOf(path, query), headers: { accept: 'application/json' }, timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }
      const answer = await http.request(request).catch((cause: unknown) => {
        throw unreachable(cause)
      })
      if (answer.status !== 200) throw refused(path, answer)
      return parsed(answer.body, () => unlike(path, 'no JSON'))
    },
    async *follow(path, query, signal) {
      const headers = { accept: 'text/event-stream' }
      const stream = await http.stream({ url: urlOf(path, query), headers, timeoutMs: TIMEOUT_MS, idleMs: IDLE_MS, signal }).catch((cause: unknown) => {
        if (signal.aborted) return undefined
        throw unreachable(cause)
      })
      if (stream === undefined) return
      if (stream.status !== 200) throw refused(path, { ...stream, body: await boundedText(stream.chunks).catch(() => '') })
      let name = 'message'
      try {
        for await (const line of linesOf(stream.chunks, MAX_LINE_BYTES)) {
          if (line.startsWith('event:')) name = line.slice('event:'.length).trim()
          if (!line.startsWith('data:')) continue
          yield { name, data: parsed(line.slice('data:'.length), () => unlike(path, 'an event that is no JSON')) }
          name = 'message'
        }
      } catch (cause) {
        if (signal.aborted) return
        throw cause instanceof SourceError ? cause : ended(cause)
      }
    },
    unlike,
    ended,
    close: () => http.close(),
  }
}

function parsed(text: string, otherwise: () => SourceError): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw otherwise()
  }
}

/** What a refusal says in its problem details (RFC 9457). */
function detailIn(body: string): string | undefined {
  try {
    const { detail } = JSON.parse(body) as { detail?: unknown }
    return typeof detail === 'string' ? detail : undefined
  } catch {
    return undefined
  }
}
