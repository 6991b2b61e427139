import type { Clock } from '../base/clock.js'
import type { Random } from '../base/random.js'
import type { Events } from '../call/events.js'
import { parseLoadReport, LOAD_REPORT_HEADER } from '../call/load-report.js'
import { isShed, outcomeOf, SPILLED_HEADER, type Outcome } from '../call/outcome.js'
import type { ServicePolicy } from '../call/policy.js'
import type { Reply } from '../call/reply.js'
import type { Flight } from './flight.js'
import type { Node } from './node.js'
import { Offers } from './offers.js'
import { OutlierDetector } from './outlier.js'
import { OwnStalls } from './own-stalls.js'
import { ReportedLoad } from './reported-load.js'
import { askedPauseMs } from './retry-after.js'
import type { Standard } from './score.js'
import { rampAt, slowStartDefaults } from './slow-start.js'

/** The means are taken anew at most this often. */
const MEANS_MS = 50

export interface FleetOptions {
  readonly service: string
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
}

/**
 * The endpoints of one service as one: keeps account of every attempt, and of what is usual, so that each can be seen
 * beside the others. Pickers only read what stands here.
 */
export class Fleet implements Standard {
  meanMs = 0
  meanRamp = 1
  slowStart = slowStartDefaults
  readonly outliers: OutlierDetector
  readonly offers = new Offers()
  readonly #clock: Clock
  readonly #stalls: OwnStalls
  #members: readonly Node[] = []
  #hasMembers = false
  #meansAtMs = -Infinity

  constructor({ service, clock, random, events }: FleetOptions) {
    this.#clock = clock
    this.#stalls = new OwnStalls(clock)
    this.outliers = new OutlierDetector({ service, random, events })
  }

  get stalledUntilMs(): number {
    return this.#stalls.endedAtMs
  }

  /** Goes by this policy from now on. */
  follow({ slowStart, outlier }: Pick<ServicePolicy, 'slowStart' | 'outlier'>): void {
    this.slowStart = slowStart
    this.outliers.policy = outlier
  }

  /** These are all the endpoints now. Whoever was not among the first ones is new, and starts slowly. */
  adopt(members: readonly Node[]): void {
    const nowMs = this.#clock.now()
    for (const node of members) {
      if (node.usedAtMs !== -Infinity) continue
      node.usedAtMs = nowMs
      if (this.#hasMembers) node.sinceMs = nowMs
    }
    this.#members = members
    this.#hasMembers ||= members.length > 0
    this.outliers.adopt(members)
  }

  /** An ejected endpoint whose time is over: the next call shows whether it is well again. */
  due(): Node | undefined {
    return this.outliers.anyEjected ? this.outliers.due(this.#clock.now()) : undefined
  }

  /** An attempt begins. */
  begin(node: Node): Flight<Node> {
    const nowMs = this.#clock.now()
    const flight = node.waiting.add(node, nowMs)
    node.begin()
    node.usedAtMs = nowMs
    // One that was never heard of is given a single request: it is dear as long as that is under way.
    if (node.latency.samples === 0) node.costUntilMs = -Infinity
    this.#stalls.begin(nowMs)
    this.outliers.begin(flight)
    return flight
  }

  /** Response headers have come. */
  answered(flight: Flight<Node>, reply: Pick<Reply, 'status' | 'headers'>): Outcome {
    const { node } = flight
    const outcome = outcomeOf(reply)
    const nowMs = this.#clock.now()
    const stalled = this.#settle(flight, nowMs)
    const report = parseLoadReport(reply.headers[LOAD_REPORT_HEADER])
    if (report !== undefined) (node.report ??= new ReportedLoad()).observe(report, nowMs)
    if (outcome.kind === 'ignored') this.#spilled(node, Number(reply.headers[SPILLED_HEADER]), nowMs)
    if (!stalled && outcome.kind !== 'ignored') {
      const latencyMs = nowMs - flight.startedAtMs
      if (outcome.kind === 'success') {
        node.latency.observe(latencyMs, nowMs, this.meanMs)
        this.offers.answered(latencyMs)
      } else node.latency.observeFailure(latencyMs, nowMs, this.meanMs)
    }
    if (outcome.kind === 'failure') {
      node.success.observe(false, nowMs)
      // 429 is about the caller, and what is shed about its request: they make the endpoint dearer, but do not put it out of
      // rotation for other requests.
      const isOfRequest = reply.status === 429 || isShed(reply)
      this.outliers.end(flight, isOfRequest ? undefined : false, nowMs)
      this.outliers.rest(node, askedPauseMs(reply, this.#clock), nowMs)
    }
    this.#learnt(node, nowMs)
    return outcome
  }

  /** The body after an answer is over: ended, or cut short by an error. */
  ended(flight: Flight<Node>, answer: Outcome, error: Error | undefined): void {
    const { node } = flight
    node.end()
    if (answer.kind === 'failure') return
    // A body cut short is a failure of the endpoint too, whatever its status line promised.
    const kind = error === undefined ? answer.kind : outcomeOf(error).kind
    this.#judge(flight, kind, this.#clock.now())
  }

  /** No answer came. */
  failed(flight: Flight<Node>, error: Error): void {
    const { node } = flight
    const nowMs = this.#clock.now()
    const stalled = this.#settle(flight, nowMs)
    const { kind } = outcomeOf(error)
    node.end()
    if (!stalled) {
      const latencyMs = nowMs - flight.startedAtMs
      if (kind === 'failure') node.latency.observeFailure(latencyMs, nowMs, this.meanMs)
      else node.latency.observeAtLeast(latencyMs, nowMs, this.meanMs)
    }
    // What ran out of time while this process stood still may have been answered long ago.
    this.#judge(flight, stalled ? 'ignored' : kind, nowMs)
    this.#learnt(node, nowMs)
  }

  #spilled(node: Node, expectedMs: number, nowMs: number): void {
    this.offers.refused()
    if (expectedMs > 0) (node.report ??= new ReportedLoad()).spilled(expectedMs, nowMs)
  }

  #judge(flight: Flight<Node>, kind: Outcome['kind'], nowMs: number): void {
    if (kind !== 'ignored') flight.node.success.observe(kind === 'success', nowMs)
    this.outliers.end(flight, kind === 'ignored' ? undefined : kind === 'success', nowMs)
  }

  /** Whether this process stood still while the attempt waited. */
  #settle(flight: Flight<Node>, nowMs: number): boolean {
    flight.settle()
    return this.#stalls.end(flight.startedAtMs, nowMs)
  }

  #learnt(node: Node, nowMs: number): void {
    node.costUntilMs = -Infinity
    if (nowMs - this.#meansAtMs < MEANS_MS && this.meanMs > 0) return
    this.#meansAtMs = nowMs
    let latency = 0
    let measured = 0
    let ramps = 0
    for (const { latency: own, sinceMs } of this.#members) {
      ramps += rampAt(nowMs - sinceMs, this.slowStart)
      if (own.samples === 0) continue
      latency += own.meanMs
      measured++
    }
    if (measured > 0) this.meanMs = latency / measured
    this.meanRamp = ramps / this.#members.length
  }
}
