import { optionError, port, type Reader } from '../base/validate.js'
import { anyOf, everyField, filled, of, withNegations, type Matcher, type RequestMatcher } from './matcher.js'
import { pathPattern } from './path-pattern.js'
import { parseTextPattern, textMatcher, type TextPattern } from './text-pattern.js'

/** What is asked for: every field that is given must match, and all is meant by one that is not. */
export interface AccessOperation {
  /** Methods, upper-case. `GET` covers `HEAD`, which routers answer with the same handler. */
  readonly methods?: readonly string[] | undefined
  readonly notMethods?: readonly string[] | undefined
  /** Paths such as `/users/:id`, `/users/*`, `/users/{*}/orders/{**}`, `/user*`, `*.json` or `*`. */
  readonly paths?: readonly string[] | undefined
  readonly notPaths?: readonly string[] | undefined
  /** Hosts that the request names, without their port: `users.test`, `*.test`, `users.*` or `*`. Case counts for nothing. */
  readonly hosts?: readonly string[] | undefined
  readonly notHosts?: readonly string[] | undefined
  /** Ports of this process. */
  readonly ports?: readonly number[] | undefined
  readonly notPorts?: readonly number[] | undefined
}

const method: Reader<string> = (value, path) => {
  if (typeof value === 'string' && /^[A-Z][A-Z-]*$/.test(value)) return value
  throw optionError(path, 'a method in upper case', value)
}

const methods: Reader<RequestMatcher> = (value, path) => {
  const wanted = new Set(filled(method)(value, path))
  const covers = (given: string): boolean => wanted.has(given) || (given === 'HEAD' && wanted.has('GET'))
  // Methods are case-sensitive, and some frameworks do not know.
  return (request, inDoubt) => covers(request.method) || (inDoubt && covers(request.method.toUpperCase()))
}

const paths: Reader<RequestMatcher> = (value, path) => of((request) => request.path, anyOf(filled(pathPattern)(value, path)))

const hostPattern: Reader<TextPattern> = (value, path) => {
  const pattern = typeof value === 'string' ? parseTextPattern(value.toLowerCase()) : undefined
  if (pattern?.kind === 'present') return pattern
  if (pattern === undefined || !/^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])$/.test(pattern.text)) {
    throw optionError(path, "a host without a port, which may begin or end with one '*'", value)
  }
  return pattern.kind === 'prefix' ? pattern : { ...pattern, text: withoutRoot(pattern.text) }
}

const hosts: Reader<RequestMatcher> = (value, path) => {
  const matches: Matcher<string> = textMatcher(filled(hostPattern)(value, path))
  return (request, inDoubt) => {
    const host = hostOf(request.header('host'))
    return host === undefined ? inDoubt : matches(host, inDoubt)
  }
}

/** The host that a request names, in lower case, without its port and the dot of the root; undefined for none or two. */
function hostOf(field: string | undefined): string | undefined {
  const host = /^([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.exec(field ?? '')?.[1]
  return host === undefined ? undefined : withoutRoot(host.toLowerCase())
}

function withoutRoot(host: string): string {
  return host.endsWith('.') ? host.slice(0, -1) : host
}

const ports: Reader<RequestMatcher> = (value, path) => {
  const wanted = new Set(filled(port)(value, path))
  return ({ localPort }, inDoubt) => (localPort === undefined ? inDoubt : wanted.has(localPort))
}

/** Fields of an operation, each with its `not…` form. */
export const operationFields = withNegations({ methods, paths, hosts, ports })

const operations = filled(everyField(operationFields))

/** The list `to` of a rule: one of its operations must match. */
export const ruleTo: Reader<RequestMatcher> = (value, path) => anyOf(operations(value, path))
