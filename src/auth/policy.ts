import { fields, listOf, optionError, required, type Reader } from '../base/validate.js'
import type { Peer } from '../call/inbound.js'
import { matchesExactly, matchesLoosely, pathTemplate, type PathTemplate } from './path-template.js'

/** Who may, or may not, ask for what. */
export interface AccessRule {
  /** Names of calling services, or principals; `'*'` alone for every caller that has shown who it is. */
  readonly from: readonly string[]
  /** Methods, upper-case; every method when absent. `GET` covers `HEAD`, which routers answer with the same handler. */
  readonly methods?: readonly string[] | undefined
  /** Paths such as `/users/:id` or `/users/*`; every path when absent. */
  readonly paths?: readonly string[] | undefined
}

/**
 * Who may call: nobody but by an `allow` rule, and never against a `deny` rule. A deny rule also covers the spellings
 * of a path that only some routers take for it: other case, a slash at the end.
 */
export interface AccessPolicy {
  readonly allow?: readonly AccessRule[] | undefined
  readonly deny?: readonly AccessRule[] | undefined
}

/** What a policy says of one request; `rule` is for the operator, as `policy.allow[0]`. */
export interface Verdict {
  readonly allowed: boolean
  readonly rule: string
}

/** Judges requests; the path is given as its decoded segments. */
export type Judge = (peer: Peer, method: string, path: readonly string[]) => Verdict

interface CompiledRule {
  readonly name: string
  readonly from: ReadonlySet<string>
  readonly methods: ReadonlySet<string> | undefined
  readonly paths: readonly PathTemplate[] | undefined
}

const NO_POLICY: Verdict = { allowed: false, rule: 'there is no policy, so every request is refused: give the option `policy`' }
const NO_RULES: Verdict = { allowed: false, rule: 'policy.allow is empty, so every request is refused' }
const NO_MATCH: Verdict = { allowed: false, rule: 'no rule of policy.allow matches' }

/** Where nobody has said who may call, nobody may. */
export const withoutPolicy: Judge = () => NO_POLICY

/** Makes an {@link AccessPolicy} ready. Whatever is not understood is an error: it could have been a prohibition. */
export const accessPolicy: Reader<Judge> = (value, path) => {
  const { allow = [], deny = [] } = policyFields(value, path)
  if (allow.length === 0) return () => NO_RULES
  return (peer, method, segments) => {
    const denied = deny.find((rule) => covers(rule, peer, method, segments, matchesLoosely))
    if (denied !== undefined) return { allowed: false, rule: denied.name }
    const allowed = allow.find((rule) => covers(rule, peer, method, segments, matchesExactly))
    return allowed === undefined ? NO_MATCH : { allowed: true, rule: allowed.name }
  }
}

function covers(
  rule: CompiledRule,
  peer: Peer,
  method: string,
  path: readonly string[],
  matches: typeof matchesExactly,
): boolean {
  if (!rule.from.has('*') && !rule.from.has(peer.service) && !rule.from.has(peer.principal)) return false
  if (rule.methods !== undefined && !rule.methods.has(method) && !(method === 'HEAD' && rule.methods.has('GET'))) return false
  return rule.paths === undefined || rule.paths.some((template) => matches(template, path))
}

const caller: Reader<string> = (value, path) => {
  if (typeof value === 'string' && value.length > 0 && (value === '*' || !value.includes('*'))) return value
  throw optionError(path, "the name of a service, a principal, or '*' alone", value)
}

const method: Reader<string> = (value, path) => {
  if (typeof value === 'string' && /^[A-Z][A-Z-]*$/.test(value)) return value
  throw optionError(path, 'a method in upper case', value)
}

/** An empty list matches nothing, which is never what was meant; absence says "all". */
function filled<T>(reader: Reader<T>): Reader<readonly T[]> {
  const list = listOf(reader)
  return (value, path) => {
    const items = list(value, path)
    if (items.length === 0) throw optionError(path, 'a list of at least one', value)
    return items
  }
}

const ruleFields = fields<{ from: readonly string[]; methods?: readonly string[]; paths?: readonly PathTemplate[] }>({
  from: filled(caller),
  methods: filled(method),
  paths: filled(pathTemplate),
})

const rule: Reader<CompiledRule> = (value, path) => {
  const { from, methods, paths } = ruleFields(value, path)
  const callers = required(from, `${path}.from`, "a list of services, or ['*']")
  return { name: path, from: new Set(callers), methods: methods && new Set(methods), paths }
}

const policyFields = fields<{ allow?: readonly CompiledRule[]; deny?: readonly CompiledRule[] }>({
  allow: listOf(rule),
  deny: listOf(rule),
})
