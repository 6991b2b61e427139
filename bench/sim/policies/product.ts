import type { BalancerOptions } from '../../../src/call/policy.js'
import { createBalancerLab, type BalancerLab, type LabAttempt, type LabResult } from '../../../src/balancing-lab.js'
import { SpillGate } from '../../../src/resilience/spill-gate.js'
import { NONE, type CreatePolicy, type CreateRefusal, type Policy, type PolicyContext } from '../engine/policy.js'
import type { Request } from '../engine/request.js'

interface ProductOptions extends BalancerOptions {
  /** Whether servers of ours stand on the other side, whose replies carry load reports. */
  readonly withReports?: boolean
}

const ANSWERS: Readonly<Record<'success' | 'failure', LabResult>> = {
  success: { status: 200 },
  failure: { status: 500 },
}

/** The product's own balancer, as it runs in a mesh. */
export function product({ withReports = false, ...options }: ProductOptions): CreatePolicy {
  return (context) => {
    const { clock, random } = context
    return new Product(createBalancerLab({ ...options, clock, random }), context, withReports)
  }
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
    const endpoints = listed.map((server) => ({ id: this.#idOf(server) }))
    this.#serverOf.clear()
    endpoints.forEach(({ id }, i) => this.#serverOf.set(id, listed[i]!))
    this.#lab.setEndpoints(endpoints)
  }

  pick(request: Request): number {
    const tried = request.refusedBy.length === 0 ? undefined : request.refusedBy.map((server) => this.#idOf(server))
    const node = this.#lab.pick(tried)
    if (node === undefined) return NONE
    request.elsewhereMs = this.#lab.offerMs()
    request.token = this.#lab.begin(node)
    return this.#serverOf.get(node.id)!
  }

  done(request: Request): void {
    this.#lab.end(request.token as LabAttempt, this.#resultOf(request))
  }

  #idOf(server: number): string {
    return `${server}/${this.#context.servers[server]!.generation}`
  }

  #resultOf(request: Request): LabResult {
    const { result, server, inFlightOnReply } = request
    if (result === 'timeout') return { error: 'timeout' }
    const answer = result === 'refused' ? { spilledMs: request.expectedMs } : ANSWERS[result]
    if (!this.#withReports || !this.#context.reports(server)) return answer
    return { ...answer, report: { inFlight: inFlightOnReply } }
  }
}

/** The product's own gate at each server: it refuses what would wait there while others are freer. One that stands still refuses nothing. */
export const spilling: CreateRefusal = (server, agenda) => {
  const gate = new SpillGate()
  server.onComplete = ({ inFlightOnReach, reachedAtMs }) => gate.observe(inFlightOnReach, agenda.nowMs - reachedAtMs)
  return (request) => {
    if (request.elsewhereMs === 0 || server.pauseLeftMs > 0 || !gate.refuses(server.inFlight, request.elsewhereMs)) return false
    request.expectedMs = gate.expectedMs(server.inFlight)
    return true
  }
}
