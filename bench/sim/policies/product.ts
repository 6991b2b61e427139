import type { BalancerOptions } from '../../../src/call/policy.js'
import { createBalancerLab, type BalancerLab, type LabAttempt, type LabResult } from '../../../src/balancing-lab.js'
import { NONE, type CreatePolicy, type Policy, type PolicyContext } from '../engine/policy.js'
import type { Request } from '../engine/request.js'

interface ProductOptions extends BalancerOptions {
  /** Whether servers of ours stand on the other side, whose replies carry load reports. */
  readonly withReports?: boolean
}

/** The product's own balancer, as it runs in a mesh. */
export function product({ withReports = false, ...options }: ProductOptions): CreatePolicy {
  return (context) => new Product(createBalancerLab({ ...options, clock: context.clock, random: context.random }), context, withReports)
}

class Product implements Policy {
  readonly #lab: BalancerLab
  readonly #context: PolicyContext
  readonly #withReports: boolean
  readonly #serverOf = new Map<string, number>()

  constructor(lab: BalancerLab, context: PolicyContext, withReports: boolean) {
    this.#lab = lab
    this.#context = context
    this.#withReports = withReports
  }

  update(listed: readonly number[]): void {
    const { servers } = this.#context
    const endpoints = listed.map((server) => ({ id: `${server}/${servers[server]!.generation}` }))
    this.#serverOf.clear()
    endpoints.forEach(({ id }, i) => this.#serverOf.set(id, listed[i]!))
    this.#lab.setEndpoints(endpoints)
  }

  pick(request: Request): number {
    const node = this.#lab.pick()
    if (node === undefined) return NONE
    request.token = this.#lab.begin(node)
    return this.#serverOf.get(node.id)!
  }

  done(request: Request): void {
    this.#lab.end(request.token as LabAttempt, this.#resultOf(request))
  }

  #resultOf({ result, server, inFlightOnReply }: Request): LabResult {
    if (result === 'timeout') return { error: 'timeout' }
    const status = result === 'success' ? 200 : 500
    if (!this.#withReports || !this.#context.reports(server)) return { status }
    return { status, report: { inFlight: inFlightOnReply } }
  }
}
