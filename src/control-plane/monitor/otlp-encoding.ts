import { json, Refusal, type Answer } from '../http/answer.js'
import { isObject, type JsonObject } from './otlp.js'
import { decode, encodePartialSuccess, encodeStatus, type Message } from './protobuf.js'

/** How a request of OTLP/HTTP is written, and its answer. */
export interface Encoding {
  /** A request in its JSON form. Throws a 400. */
  readonly read: (body: Buffer, message: Message) => JsonObject
  /** How many items were not taken, and why the first one was not; for none, all is well. */
  readonly received: (counter: string, reasons: readonly string[]) => Answer
  /** A refusal as google.rpc.Status. */
  readonly refused: (refusal: Refusal) => Answer
}

const PROTOBUF_TYPE = 'application/x-protobuf'
// google.rpc.Code, which OTLP's error bodies carry.
const INVALID_ARGUMENT = 3

export const otlpJson: Encoding = {
  read(body) {
    let request: unknown
    try {
      request = JSON.parse(body.toString('utf8'))
    } catch {
      throw new Refusal(400, 'the body is not JSON')
    }
    if (!isObject(request)) throw new Refusal(400, 'the body is not a JSON object')
    return request
  },
  received(counter, reasons) {
    const [reason] = reasons
    return json(reason === undefined ? {} : { partialSuccess: { [counter]: String(reasons.length), errorMessage: reason } })
  },
  refused: ({ status, message, headers }) => json({ code: INVALID_ARGUMENT, message }, { status, headers }),
}

const otlpProtobuf: Encoding = {
  read(body, message) {
    try {
      return decode(message, body)
    } catch (error) {
      throw new Refusal(400, `the body is not OTLP in protobuf: ${(error as Error).message}`)
    }
  },
  received(_, reasons) {
    const [reason] = reasons
    const body = reason === undefined ? new Uint8Array() : encodePartialSuccess(reasons.length, reason)
    return { status: 200, headers: { 'content-type': PROTOBUF_TYPE }, body }
  },
  refused: ({ status, message, headers }) => {
    return { status, headers: { ...headers, 'content-type': PROTOBUF_TYPE }, body: encodeStatus(INVALID_ARGUMENT, message) }
  },
}

/** The encoding of a media type. Throws a 415. */
export function encodingOf(contentType: string | undefined): Encoding {
  const type = (contentType ?? '').split(';')[0]!.trim().toLowerCase()
  if (type === 'application/json') return otlpJson
  if (type === PROTOBUF_TYPE) return otlpProtobuf
  throw new Refusal(415, `send OTLP as ${PROTOBUF_TYPE} or application/json, by OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf or http/json`)
}
