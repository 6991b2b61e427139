import type { MeshError } from '../base/errors.js'
import type { Reader } from '../base/validate.js'
import { accessPolicy, withoutPolicy, type AccessPolicy, type Policy } from './policy.js'

/** Told what becomes of a policy that may be replaced. */
export interface PolicyListener {
  replaced(): void
  refused(reason: string): void
}

/** Where a stage finds the policy of the moment. */
export interface PolicySource {
  readonly current: Policy
  /** The function that comes back ends it. */
  listen(listener: PolicyListener): () => void
}

// Registered, not unique: the package ships as ESM and as CommonJS, and two copies of it may meet in one process.
const BRAND = Symbol.for('sidecarless.LivePolicy')

/**
 * A policy that can be replaced while requests come in, for the option `policy` of one or more edges. Each request is judged
 * whole by the one that is in force when its turn comes.
 */
export class LivePolicy implements PolicySource {
  readonly [BRAND] = true
  readonly #listeners = new Set<PolicyListener>()
  #current: Policy

  constructor(policy: AccessPolicy) {
    this.#current = accessPolicy(policy, 'policy')
  }

  /** The policy in force, made ready. */
  get current(): Policy {
    return this.#current
  }

  /** Puts another policy in force. Throws `MESH_ERR_OPTION` for one that is not understood: then the last one stays, and every mesh tells it (`policyRefused`). */
  replace(policy: AccessPolicy): void {
    try {
      this.#current = accessPolicy(policy, 'policy')
    } catch (error) {
      this.refuse((error as MeshError).message)
      throw error
    }
    for (const listener of this.#listeners) listener.replaced()
  }

  /** Tells that there was to be another policy, and why it is not in force. */
  refuse(reason: string): void {
    for (const listener of this.#listeners) listener.refused(reason)
  }

  /** Tells the listener what becomes of later policies, until the function that comes back is called. */
  listen(listener: PolicyListener): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

/** A policy for good, or one that can be replaced. */
export const policySource: Reader<PolicySource> = (value, path) =>
  typeof value === 'object' && value !== null && BRAND in value ? (value as LivePolicy) : fixedPolicy(accessPolicy(value, path))

function fixedPolicy(current: Policy): PolicySource {
  return { current, listen: () => () => {} }
}

/** A policy that can be replaced: give it as `policy`, and another one to its `replace()`. Throws `MESH_ERR_OPTION`. */
export function livePolicy(policy: AccessPolicy): LivePolicy {
  return new LivePolicy(policy)
}

export const noPolicy: PolicySource = fixedPolicy(withoutPolicy)
