import { STATUS_CODES, type OutgoingHttpHeaders } from 'node:http'

/** What a route gives back; the server writes it. */
export interface Answer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: string | Uint8Array
  /**
   * Given for an answer that goes on after its body, until the client hangs up: gets what writes more of it, which writes
   * nothing and gives false while the client leaves too much unread.
   */
  readonly follow?: (write: (text: string) => boolean) => void
}

type AnswerOptions = Partial<Pick<Answer, 'status' | 'headers'>>

export function json(value: unknown, { status = 200, headers = {} }: AnswerOptions = {}): Answer {
  return { status, headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(value) }
}

export function plainText(body: string, { status = 200, headers = {} }: AnswerOptions = {}): Answer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8', ...headers }, body }
}

/** Thrown by a route that will not do what was asked; each protocol says so in its own form, by default as {@link problem}. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    detail: string,
    readonly headers: OutgoingHttpHeaders = {},
  ) {
    super(detail)
  }
}

/** A refusal as problem details (RFC 9457). */
export function problem({ status, message, headers }: Refusal): Answer {
  const details = { type: 'about:blank', title: STATUS_CODES[status], status, detail: message }
  return json(details, { status, headers: { ...headers, 'content-type': 'application/problem+json' } })
}
