import { fields, flag, listOf, member, optionError, required, type Reader } from '../base/validate.js'
import { allOf, type JudgedRequest, type RequestMatcher } from './matcher.js'
import { ruleWhen, type AccessCondition } from './rule-condition.js'
import { operationFields, ruleTo, type AccessOperation } from './rule-operation.js'
import { ruleFrom, type AccessSource } from './rule-source.js'

/** Who may, or may not, ask for what. A rule with one operation may hold its fields itself: `methods`, `paths` … */
export interface AccessRule extends AccessOperation {
  /** Names of calling services, or principals; `'*'` alone for every caller that has shown who it is; or sources. One must match. */
  readonly from: readonly (string | AccessSource)[]
  /** Operations, one of which must match; every one when absent. */
  readonly to?: readonly AccessOperation[] | undefined
  /** Conditions, all of which must hold. */
  readonly when?: readonly AccessCondition[] | undefined
  /** Decides nothing: where the rule would have changed the verdict, that is told (`audited`). Default false. */
  readonly dryRun?: boolean | undefined
}

export interface AccessRules {
  readonly allow?: readonly AccessRule[] | undefined
  readonly deny?: readonly AccessRule[] | undefined
}

/**
 * Who may call: nobody but by an `allow` rule, and never against a `deny` rule. A deny rule also covers the spellings
 * of a path that only some routers take for it: other case, a slash at the end.
 */
export interface AccessPolicy extends AccessRules {
  /** A policy to be tried: it decides nothing, and where it would have decided otherwise, that is told (`audited`). */
  readonly dryRun?: AccessRules | undefined
}

/** What a policy says of one request; `rule` is for the operator, as `policy.allow[0]`. */
export interface Verdict {
  readonly allowed: boolean
  readonly rule: string
}

export type Judge = (request: JudgedRequest) => Verdict

/** A policy made ready. */
export interface Policy {
  readonly judge: Judge
  /** What is only tried. */
  readonly trials: readonly Judge[]
}

interface CompiledRule {
  readonly name: string
  readonly dryRun: boolean
  readonly matches: RequestMatcher
}

const NO_POLICY: Verdict = { allowed: false, rule: 'there is no policy, so every request is refused: give the option `policy`' }

/** Where nobody has said who may call, nobody may. */
export const withoutPolicy: Policy = { judge: () => NO_POLICY, trials: [] }

/** Makes an {@link AccessPolicy} ready. Whatever is not understood is an error: it could have been a prohibition. */
export const accessPolicy: Reader<Policy> = (value, path) => {
  const { dryRun, ...rules } = policyFields(value, path)
  const marked = [...(rules.allow ?? []), ...(rules.deny ?? [])].some((rule) => rule.dryRun)
  const trials = [...(marked ? [judgeBy(rules, path)] : []), ...(dryRun === undefined ? [] : [judgeBy(dryRun, member(path, 'dryRun'))])]
  return { judge: judgeBy({ allow: rules.allow?.filter(inForce), deny: rules.deny?.filter(inForce) }, path), trials }
}

function inForce({ dryRun }: CompiledRule): boolean {
  return !dryRun
}

function judgeBy({ allow = [], deny = [] }: CompiledRules, path: string): Judge {
  const noRules: Verdict = { allowed: false, rule: `${path}.allow is empty, so every request is refused` }
  const noMatch: Verdict = { allowed: false, rule: `no rule of ${path}.allow matches` }
  if (allow.length === 0) return () => noRules
  return (request) => {
    // In doubt, a request is one that is denied, and none that is allowed.
    const denied = deny.find(({ matches }) => matches(request, true))
    if (denied !== undefined) return { allowed: false, rule: denied.name }
    const allowed = allow.find(({ matches }) => matches(request, false))
    return allowed === undefined ? noMatch : { allowed: true, rule: allowed.name }
  }
}

const ruleFields = fields<{ from?: RequestMatcher; to?: RequestMatcher; when?: RequestMatcher; dryRun?: boolean } & Record<string, unknown>>({
  from: ruleFrom,
  ...operationFields,
  to: ruleTo,
  when: ruleWhen,
  dryRun: flag,
})

const rule: Reader<CompiledRule> = (value, path) => {
  const { dryRun = false, from, to, when, ...operation } = ruleFields(value, path)
  const callers = required(from, `${path}.from`, "a list of services, or ['*']")
  const short = Object.values(operation) as RequestMatcher[]
  if (to !== undefined && short.length > 0) throw optionError(`${path}.to`, `either operations or ${Object.keys(operation).join(', ')}`, 'both')
  const rest = [to, ...short, when].filter((matcher) => matcher !== undefined)
  return { name: path, dryRun, matches: allOf([callers, ...rest]) }
}

interface CompiledRules {
  readonly allow?: readonly CompiledRule[] | undefined
  readonly deny?: readonly CompiledRule[] | undefined
}

const rules = { allow: listOf(rule), deny: listOf(rule) }

const policyFields = fields<{ allow?: readonly CompiledRule[]; deny?: readonly CompiledRule[]; dryRun?: CompiledRules }>({
  ...rules,
  dryRun: fields<{ allow?: readonly CompiledRule[]; deny?: readonly CompiledRule[] }>(rules),
})
