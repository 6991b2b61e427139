import { seededRandom } from '../../src/base/random.js'
import { createBalancerLab, type BalancerLab, type BalancerLabOptions } from '../../src/balancing-lab.js'
import type { MeshEvents } from '../../src/call/events.js'
import { Traffic, type TrafficOptions } from './simulated-traffic.js'
import { VirtualClock } from './virtual-clock.js'

export const IDS = ['a', 'b', 'c', 'd', 'e']

/** The balancer of one client on a virtual clock, what it tells of ejections, and calls for it. */
export interface LabBench {
  readonly clock: VirtualClock
  readonly lab: BalancerLab
  readonly ejections: MeshEvents['ejected'][]
  readonly returns: MeshEvents['readmitted'][]
  traffic(options: Pick<TrafficOptions, 'ratePerSec' | 'maxResends' | 'answer'>): Traffic
}

export function labBench(ids: readonly string[] = IDS, options: Partial<BalancerLabOptions> = {}): LabBench {
  const clock = new VirtualClock()
  const random = seededRandom(7)
  const lab = createBalancerLab({ clock, random, ...options })
  const ejections: MeshEvents['ejected'][] = []
  const returns: MeshEvents['readmitted'][] = []
  lab.on('ejected', (event) => ejections.push(event))
  lab.on('readmitted', (event) => returns.push(event))
  lab.setEndpoints(ids.map((id) => ({ id })))
  return { clock, lab, ejections, returns, traffic: (traffic) => new Traffic({ lab, clock, random, ...traffic }) }
}
