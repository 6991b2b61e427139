import type { ProofDemand } from './auth/proof-check.js'
import { policySource, type LivePolicy, type PolicySource } from './auth/live-policy.js'
import type { AccessPolicy } from './auth/policy.js'
import { exactPath } from './auth/request-path.js'
import { fields, flag, listOf, oneOf, positiveMs, text, wholeNumber } from './base/validate.js'
import type { TlsMode } from './call/policy.js'
import { readHealth, type HealthOptions, type HealthPaths } from './lifecycle/health.js'
import { readFaults, type FaultOptions } from './resilience/fault-injection.js'
import { readShed, type ShedOptions, type ShedSettings } from './resilience/shed-options.js'
import { tlsMode } from './tls-options.js'

export interface InboundOptions {
  /** Who may ask for what; `livePolicy` and `policyFile` make one that can be replaced. Default: nobody, for anything. */
  readonly policy?: AccessPolicy | LivePolicy | undefined
  /** What a token must be meant for. Default: this service's name. */
  readonly audience?: string | undefined
  /** Paths that are open to everybody, token or not, such as `/healthz`: exactly these, letter for letter. Default: none. */
  readonly exempt?: readonly string[] | undefined
  /**
   * Answers the probes of an orchestrator, as JSON and without a token: `true` for `/livez` (200 while the process answers)
   * and `/readyz` (503 while it drains), or paths of your own. Default: none.
   */
  readonly health?: boolean | HealthOptions | undefined
  /** Tells verified callers with each answer how busy this process is (ORCA, `endpoint-load-metrics`). Default true. */
  readonly loadReport?: boolean | undefined
  /** How far the issuer's clock may be apart from this one, at most 60 000. Default 30 000. */
  readonly leewayMs?: number | undefined
  /** Longest life of a token that is taken. Default an hour. */
  readonly maxLifetimeMs?: number | undefined
  /** Whether requests have to come over mutual TLS; see `createMesh({ tls: { mode } })`, whose word it is by default. */
  readonly tls?: TlsMode | undefined
  /**
   * Whether callers must bring tokens that are bound to a key, with a proof that they hold it (DPoP, RFC 9449). Default `'optional'`:
   * a token that is bound is taken with its proof and never without, others are a bearer's.
   */
  readonly proof?: ProofDemand | undefined
  /** When requests are refused because this process has more to do than it can; false for never. */
  readonly shed?: ShedOptions | false | undefined
  /** What goes wrong on purpose, for a game day. Refused unless the mesh was made with `faultInjection: true`. Default: nothing. */
  readonly faults?: readonly FaultOptions[] | undefined
}

/** Checks the options of an edge, or throws `MESH_ERR_OPTION`. */
export const readInboundOptions = fields<{
  policy?: PolicySource
  audience?: string
  exempt?: readonly string[]
  health?: HealthPaths | false
  loadReport?: boolean
  leewayMs?: number
  maxLifetimeMs?: number
  tls?: TlsMode
  proof?: ProofDemand
  shed?: ShedSettings | false
  faults?: readonly FaultOptions[]
}>({
  policy: policySource,
  audience: text,
  exempt: listOf(exactPath),
  health: readHealth,
  loadReport: flag,
  leewayMs: wholeNumber(0, 60_000),
  maxLifetimeMs: positiveMs,
  tls: tlsMode,
  proof: oneOf('required', 'optional'),
  shed: readShed,
  faults: readFaults,
})
