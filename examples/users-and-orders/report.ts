// Tells what happened, one topic after another, and checks every claim that it makes.
import type { ServiceExplanation } from 'sidecarless'
import type { Trace } from './control-plane.js'
import type { Attempted } from './intruder.js'
import type { Load } from './load.js'
import { bar, milliseconds, percent, type Report } from './terminal.js'
import { branchesOf, drawTree } from './trace-tree.js'

/** An instance that the registry lists. */
export interface Member {
  readonly id: string
  readonly address: string
  /** Undefined when the demo did not start it. */
  readonly pid: number | undefined
  readonly note: string
}

/** `views`: what each order service says about users. */
export function tellDiscovery(
  report: Report,
  users: readonly Member[],
  orders: readonly Member[],
  views: readonly ServiceExplanation[],
): void {
  report.heading('Who was discovered')
  for (const { id, address, pid, note } of [...users, ...orders]) {
    report.line(`${id.padEnd(10)}${address.padEnd(18)}pid ${String(pid).padEnd(9)}${report.style.dim(note)}`)
  }
  const isComplete = users.length === 3 && orders.length === 2
  report.claim(isComplete, `the registry lists ${users.length} instances of users and ${orders.length} of orders`)
  const listed = sorted(users.map(({ address }) => address))
  const agreeing = views.filter(({ endpoints }) => sorted(endpoints.map(({ address }) => address)) === listed)
  report.claim(views.length > 0 && agreeing.length === orders.length, 'each order service found all of these user services by itself')
}

export function tellLoad(report: Report, { calls, seconds, answers, p50Ms, p99Ms }: Load): void {
  report.heading('What visitors got')
  const counts = Object.entries(answers).map(([answer, count]) => `${count} × ${answer}`)
  report.line(`${calls} orders in ${seconds.toFixed(1)} s: ${counts.join(', ')}`)
  report.line(`p50 ${milliseconds(p50Ms)}   p99 ${milliseconds(p99Ms)}`)
  report.claim(calls > 0 && answers['200'] === calls, `every one of ${calls} orders was answered with 200`)
}

/** `view`: what one order service says about users. */
export function tellBalance(report: Report, { servedBy }: Load, slowed: string, view: ServiceExplanation | undefined): void {
  report.heading('How requests spread over the instances, and why')
  const orders = sharesOf(servedBy.orders)
  const users = sharesOf(servedBy.users)
  for (const one of orders) report.line(shareLine(one))
  report.line()
  for (const one of users) {
    const ms = view?.endpoints.find(({ id }) => id.split('@')[0] === one.instance)?.latencyMs ?? 0
    const speed = `answers in ${ms.toFixed(0).padStart(3)} ms${one.instance === slowed ? ', slowed down' : ''}`
    report.line(`${shareLine(one)}   ${report.style.dim(speed)}`)
  }
  report.line()
  const algorithm = view?.policy['balancer.algorithm']
  report.line(`orders calls users by ${String(algorithm?.value)} (said in ${algorithm?.origin}): each request goes to`)
  report.line('the instance with the fewest unfinished ones. A slow one finishes late, so it is given less to do.')
  report.claim(users.length === 3 && orders.length === 2, 'every instance got a part of the requests')
  const least = users.find(({ instance }) => instance === slowed)?.share ?? 0
  const isLeast = users.every(({ instance, share }) => instance === slowed || share > least)
  report.claim(isLeast, `${slowed}, slowed down, got fewest: ${percent(least)}, where blind turns would give each instance 33 %`)
}

export function tellIdentity(report: Report, attempted: readonly Attempted[], { usersAnswer }: Load): void {
  report.heading('Who was refused')
  for (const { way, calls, answers } of attempted) {
    report.line(`${`intruder, ${way}`.padEnd(52)}${String(calls).padStart(3)} × ${Object.keys(answers).join(', ')}`)
  }
  report.line(`${'edge, asking users directly'.padEnd(52)}  1 × ${usersAnswer}`)
  const calls = attempted.reduce((sum, one) => sum + one.calls, 0)
  const refused = attempted.reduce((sum, { answers }) => sum + refusedIn(answers), 0)
  const isRefused = calls > 0 && refused === calls
  report.claim(isRefused, `${refused} of ${calls} intruder calls were refused with 401: it cannot show who it is`)
  report.claim(usersAnswer === '403 MESH_ERR_FORBIDDEN', 'edge can show who it is, but users lets in only orders: 403')
}

export function tellTrace(report: Report, { traceId, spans }: Trace): void {
  report.heading('One request, followed through three processes')
  const branches = branchesOf(spans)
  for (const line of drawTree(branches)) report.line(line)
  const processes = new Set(branches.map(({ process }) => process))
  report.claim(processes.size === 3, `trace ${traceId} went through ${[...processes].join(' → ')}`)
  report.claim(branches.length === 6 && spans.length === 6, `its ${spans.length} spans form one tree`)
}

/** `ends`: process → whether it ended by itself. */
export function tellEnd(report: Report, ends: ReadonlyMap<string, boolean>): void {
  report.heading('How it ended')
  const forced = [...ends].filter(([, isClean]) => !isClean).map(([name]) => name)
  const exception = forced.length === 0 ? '' : `, but for ${forced.join(', ')}`
  report.claim(forced.length === 0, `all ${ends.size} processes left the mesh and ended when asked to${exception}`)
}

interface Share {
  readonly instance: string
  readonly calls: number
  readonly share: number
}

function sharesOf(calls: Readonly<Record<string, number>>): readonly Share[] {
  const total = Object.values(calls).reduce((sum, count) => sum + count, 0)
  return Object.entries(calls)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([instance, count]) => ({ instance, calls: count, share: count / total }))
}

function refusedIn(answers: Readonly<Record<string, number>>): number {
  return Object.entries(answers).reduce((sum, [answer, count]) => sum + (answer.startsWith('401 ') ? count : 0), 0)
}

function shareLine({ instance, calls, share }: Share): string {
  return `${instance.padEnd(10)}${bar(share)} ${percent(share).padStart(5)} ${String(calls).padStart(6)}`
}

function sorted(addresses: readonly string[]): string {
  return [...addresses].sort().join()
}
