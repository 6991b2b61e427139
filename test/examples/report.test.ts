import { describe, expect, it } from 'vitest'
import type { Load } from '../../examples/users-and-orders/load.js'
import { tellBalance, tellDiscovery, tellEnd, tellIdentity, tellLoad, tellTrace } from '../../examples/users-and-orders/report.js'
import { Report, styleFor } from '../../examples/users-and-orders/terminal.js'

const LOAD: Load = {
  seconds: 10,
  calls: 90,
  answers: { 200: 90 },
  servedBy: { orders: { 'orders-1': 45, 'orders-2': 45 }, users: { 'users-1': 40, 'users-2': 40, 'users-3': 10 } },
  p50Ms: 12,
  p99Ms: 90,
  usersAnswer: '403 MESH_ERR_FORBIDDEN',
}
const INTRUDER = { way: 'with no token', calls: 20, answers: { '401 MESH_ERR_UNAUTHENTICATED': 20 } }
const ONE_CAME_IN = { '401 MESH_ERR_UNAUTHENTICATED': 19, '200 answered': 1 }
const PLAIN = styleFor({ isTTY: false }, {})

/** What a report says, and how many of its claims did not hold. */
function told(tell: (report: Report) => void): { text: string; failed: number } {
  const lines: string[] = []
  const report = new Report(PLAIN, (line) => lines.push(line))
  tell(report)
  return { text: lines.join('\n'), failed: report.failed }
}

describe('the report of the demo', () => {
  it('ticks what held', () => {
    const { text, failed } = told((report) => {
      tellLoad(report, LOAD)
      tellBalance(report, LOAD, 'users-3', undefined)
      tellIdentity(report, [INTRUDER], LOAD)
      report.conclude()
    })
    expect(text).toContain('✓ every one of 90 orders was answered with 200')
    expect(text).toContain('✓ users-3, slowed down, got fewest: 11 %')
    expect(text).toContain('✓ 20 of 20 intruder calls were refused')
    expect(text).toContain('All 5 claims held.')
    expect(failed).toBe(0)
  })

  it.each<[string, (report: Report) => void]>([
    ['an order that failed', (report) => tellLoad(report, { ...LOAD, answers: { 200: 89, MESH_ERR_DEADLINE: 1 } })],
    ['no order at all', (report) => tellLoad(report, { ...LOAD, calls: 0, answers: {} })],
    ['a slow instance that got as much as another', (report) => balance(report, { 'users-1': 30, 'users-2': 40, 'users-3': 30 })],
    ['an instance that got nothing', (report) => balance(report, { 'users-1': 80, 'users-3': 10 })],
    ['an intruder who came in', (report) => tellIdentity(report, [{ ...INTRUDER, answers: ONE_CAME_IN }], LOAD)],
    ['a service that came in where it may not', (report) => tellIdentity(report, [INTRUDER], { ...LOAD, usersAnswer: '200 ok' })],
    ['a process that did not end', (report) => tellEnd(report, new Map([['users-1', true], ['orders-1', false]]))],
  ])('crosses %s', (_, tell) => {
    const { text, failed } = told((report) => {
      tell(report)
      report.conclude()
    })
    expect(text).toContain('✗')
    expect(text).toMatch(/1 of \d claims did not hold\.$/)
    expect(failed).toBe(1)
  })

  it('crosses a trace that did not come, and instances that were not found', () => {
    expect(told((report) => tellTrace(report, { traceId: 'none', spans: [] })).failed).toBe(2)
    expect(told((report) => tellDiscovery(report, [], [], [])).failed).toBe(2)
  })
})

describe('the style of the terminal', () => {
  it('has colours in a terminal only, and none with NO_COLOR', () => {
    expect(styleFor({ isTTY: true }, {}).good('yes')).toBe('\x1b[32myes\x1b[0m')
    expect(styleFor({ isTTY: true }, { NO_COLOR: '1' }).good('yes')).toBe('yes')
    expect(styleFor({ isTTY: true }, { NO_COLOR: '' }).good('yes')).toBe('\x1b[32myes\x1b[0m')
    expect(styleFor({ isTTY: false }, {}).good('yes')).toBe('yes')
  })
})

function balance(report: Report, users: Readonly<Record<string, number>>): void {
  tellBalance(report, { ...LOAD, servedBy: { ...LOAD.servedBy, users } }, 'users-3', undefined)
}
