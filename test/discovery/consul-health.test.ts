import { describe, expect, it } from 'vitest'
import { endpointsOfHealth } from '../../src/discovery/consul-health.js'
import { healthEntry } from './support/fake-consul.js'

const NODE_MAINTENANCE = { CheckID: '_node_maintenance', Status: 'critical' }
const inMaintenance = (port: number): object => ({ ...healthEntry(port), Checks: [NODE_MAINTENANCE] })
const critical = (port: number): object => healthEntry(port, {}, ['critical'])
const served = (...entries: unknown[]): unknown[] => endpointsOfHealth(entries).map((endpoint) => (endpoint as { port: unknown }).port)

describe("Consul's health", () => {
  it('R06 serves all when fewer than half pass their checks: it is the checks that are doubted', () => {
    expect(served(healthEntry(1), critical(2))).toEqual([1])
    expect(served(healthEntry(1), healthEntry(2), critical(3), critical(4), critical(5))).toEqual([1, 2, 3, 4, 5])
    expect(served(critical(1), critical(2), critical(3))).toEqual([1, 2, 3])
  })

  it('R06 never serves what somebody has put into maintenance, nor counts it', () => {
    expect(served(inMaintenance(1), inMaintenance(2), inMaintenance(3))).toEqual([])
    expect(served(healthEntry(1), inMaintenance(2), inMaintenance(3))).toEqual([1])
    expect(served(critical(1), inMaintenance(2))).toEqual([1])
  })
})
