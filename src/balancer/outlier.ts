import type { Random } from '../base/random.js'
import type { EjectionReason, Events } from '../call/events.js'
import type { OutlierPolicy } from '../call/policy.js'
import type { Flight } from './flight.js'
import type { Node } from './node.js'
import { Comparison } from './outlier-statistics.js'

export const outlierDefaults: OutlierPolicy = Object.freeze({
  consecutiveFailures: 5,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionMs: 300_000,
  maxEjectedRatio: 0.5,
  successRate: Object.freeze({ stdevFactor: 1.9, minEndpoints: 3, minRequests: 20 }),
  failureRatio: Object.freeze({ threshold: 0.85, minRequests: 20 }),
})

/** With less than this share left, the ejected are used as well: the rest could not bear it all (Envoy's panic threshold). */
const PANIC_RATIO = 0.5
/** When the others fail this often too, it is not the endpoint's fault, and the rest could not bear its part. */
const LEAST_SUCCESS_OF_OTHERS = 0.5
/** What an endpoint did some time ago is held against it only while it still fails more often than this. */
const LEAST_SUCCESS_OF_WELL = 0.9
/** Those who asked for quiet at the same moment do not come back at the same moment. */
const REST_JITTER = 0.2

/**
 * Puts endpoints out of rotation that do worse than the others, and takes them back by one real request that succeeds
 * (Envoy's outlier detection, gRPC A50). Everything happens when a result comes in or a call asks: it has no timers.
 */
export class OutlierDetector {
  readonly #service: string
  readonly #random: Random
  readonly #events: Events
  #policy: OutlierPolicy = outlierDefaults
  #members: readonly Node[] = []
  #ejected: readonly Node[] = []
  /** When the next of the ejected may be tried. */
  #nextProbeAtMs = Infinity
  #comparedAtMs: number | undefined

  constructor({ service, random, events }: { readonly service: string; readonly random: Random; readonly events: Events }) {
    this.#service = service
    this.#random = random
    this.#events = events
  }

  set policy(policy: OutlierPolicy) {
    this.#policy = policy
  }

  /** These are the endpoints now; decides which of the ejected must be used all the same. */
  adopt(members: readonly Node[]): void {
    this.#members = members
    // Only who is ejected here is ejected at all: nearly always there is none to look for among ten thousand.
    if (this.#ejected.length > 0) this.#review()
  }

  /** Decides which of the ejected must be used all the same, and when the next of them may be tried. */
  #review(): void {
    const members = this.#members
    this.#ejected = members.filter(({ ejected }) => ejected)
    this.#plan()
    const inService = members.filter(({ leaving }) => !leaving)
    const left = inService.filter(({ ejected }) => !ejected)
    const panic = left.length < PANIC_RATIO * inService.length
    for (const { standing } of this.#ejected) standing.pardoned = panic
  }

  get anyEjected(): boolean {
    return this.#ejected.length > 0
  }

  /** An ejected endpoint whose time is over, for the next call: it gets this one, and nothing else until it is answered. */
  due(nowMs: number): Node | undefined {
    if (nowMs < this.#nextProbeAtMs) return undefined
    const node = this.#ejected.find((each) => awaitsProbe(each) && each.standing.ejectedUntilMs <= nowMs)
    if (node !== undefined) node.standing.probe = 'chosen'
    this.#plan()
    return node
  }

  /** An attempt begins. */
  begin(flight: Flight<Node>): void {
    if (flight.node.standing.probe === 'chosen') flight.node.standing.probe = flight
  }

  /** An attempt ended; undefined when it says nothing about its endpoint. */
  end(flight: Flight<Node>, succeeded: boolean | undefined, nowMs: number): void {
    const { node } = flight
    const { standing } = node
    if (standing.ejected) {
      if (standing.probe === flight) this.#judgeProbe(node, succeeded, nowMs)
    } else if (succeeded !== undefined) {
      standing.count(succeeded)
      // Every so many, and not once: what could not be ejected may be able to be later.
      const enough = !succeeded && standing.failuresInRow % this.#policy.consecutiveFailures === 0
      if (enough) this.#eject(node, 'consecutive-failures', nowMs)
    }
    this.#compareAll(nowMs)
  }

  /** The endpoint has asked to be left alone for so long. */
  rest(node: Node, forMs: number, nowMs: number): void {
    if (node.standing.ejected || forMs <= 0) return
    this.#putOut(node, 'asked-for', Math.min(forMs, this.#policy.maxEjectionMs) * (1 + REST_JITTER * this.#random()), nowMs)
  }

  #judgeProbe(node: Node, succeeded: boolean | undefined, nowMs: number): void {
    if (succeeded === true) return this.#readmit(node, nowMs)
    node.standing.probe = undefined
    if (succeeded === false) this.#putOut(node, 'probe-failed', this.#nextEjectionMs(node), nowMs)
    else this.#plan()
  }

  #eject(node: Node, reason: EjectionReason, nowMs: number): void {
    const inService = this.#members.filter(({ leaving }) => !leaving)
    const others = inService.filter((other) => other !== node && !other.ejected)
    const mayGo = Math.max(1, Math.floor(this.#policy.maxEjectedRatio * inService.length))
    if (this.#policy.maxEjectedRatio === 0 || others.length === 0 || this.#ejected.length >= mayGo) return
    const success = others.reduce((sum, other) => sum + other.success.ratioAt(nowMs), 0) / others.length
    if (success >= LEAST_SUCCESS_OF_OTHERS) this.#putOut(node, reason, this.#nextEjectionMs(node), nowMs)
  }

  #nextEjectionMs({ standing }: Node): number {
    const { baseEjectionMs, maxEjectionMs } = this.#policy
    standing.ejections++
    return Math.min(baseEjectionMs * standing.ejections, maxEjectionMs)
  }

  #putOut(node: Node, reason: EjectionReason, forMs: number, nowMs: number): void {
    node.standing.eject(nowMs + forMs)
    this.#review()
    this.#events.emit('ejected', { service: this.#service, endpoint: node.id, reason, forMs })
    node.changed()
  }

  #readmit(node: Node, nowMs: number): void {
    node.standing.readmit()
    node.sinceMs = nowMs
    this.#review()
    this.#events.emit('readmitted', { service: this.#service, endpoint: node.id })
    node.changed()
  }

  #compareAll(nowMs: number): void {
    this.#comparedAtMs ??= nowMs
    if (nowMs - this.#comparedAtMs < this.#policy.intervalMs) return
    this.#comparedAtMs = nowMs
    const known = this.#members.filter(({ hasStanding }) => hasStanding)
    const judged = known.filter(({ ejected, leaving }) => !leaving && !ejected)
    const comparison = new Comparison(judged.map(({ standing }) => standing), this.#policy)
    for (const node of judged) {
      const reason = comparison.reasonAgainst(node.standing)
      if (reason !== undefined && node.success.ratioAt(nowMs) < LEAST_SUCCESS_OF_WELL) this.#eject(node, reason, nowMs)
    }
    for (const { standing } of known) standing.fade()
  }

  #plan(): void {
    const times = this.#ejected.filter(awaitsProbe).map(({ standing }) => standing.ejectedUntilMs)
    this.#nextProbeAtMs = times.reduce((soonest, atMs) => Math.min(soonest, atMs), Infinity)
  }
}

/** One that was chosen may be chosen again until the attempt begins: a call that was given up on its way must not close the door. */
function awaitsProbe({ leaving, standing }: Node): boolean {
  return !leaving && (standing.probe === undefined || standing.probe === 'chosen')
}
