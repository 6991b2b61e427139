import { json, plainText, Refusal, type Answer } from '../http/answer.js'
import { refusedAs, type Method, type Route, type RouteHandler } from '../http/route.js'

/** The one data centre that this registry knows. */
export const DATACENTER = 'dc1'
/** The name of the one node. */
export const NODE_NAME = 'sidecarless'

/** A route of Consul's API: it refuses in plain text, as Consul does. */
export function consulRoute(methods: Method | readonly Method[], path: string, handle: RouteHandler): Route {
  const inConsulsWords = refusedAs(({ status, message, headers }) => plainText(message, { status, headers }), (exchange) => {
    const datacenter = exchange.query.get('dc') ?? ''
    if (datacenter !== '' && datacenter !== DATACENTER) throw new Refusal(500, 'No path to datacenter')
    // Leaving a filter out would answer with more than was asked for.
    if (exchange.query.has('filter')) throw new Refusal(400, 'filter expressions are not supported by this registry')
    return handle(exchange)
  })
  return { methods: typeof methods === 'string' ? [methods] : methods, path: `/v1${path}`, handle: inConsulsWords }
}

/** What a write answers. */
export const done: Answer = plainText('')

/** An answer to a query, with the index that it holds for. */
export function indexed(index: number, value: unknown): Answer {
  const headers = {
    'x-consul-index': String(index),
    'x-consul-knownleader': 'true',
    'x-consul-lastcontact': '0',
    'x-consul-effective-consistency': 'leader',
  }
  return json(value, { headers })
}

/** Go's strconv.ParseBool; undefined for anything else. */
export function parseBool(text: string): boolean | undefined {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true
  return /^(?:0|f|F|FALSE|false|False)$/.test(text) ? false : undefined
}
