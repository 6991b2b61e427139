import { expect, it } from 'vitest'
import { Authority, describeWithOpenssl } from '../support/certificates.js'
import { percentile, startCalls } from '../support/steady-calls.js'
import { answersOf, fingerprintOf, tlsPair } from '../support/tls-pair.js'
import { next } from '../support/tls-scene.js'

const PER_SEC = 1_000
const ROTATIONS = 4

describeWithOpenssl('certificates replaced under a thousand calls a second', () => {
  it('M03 lose no call, at either end, and no old one is used a second time', { timeout: 120_000 }, async () => {
    const authority = Authority.create()
    const newOnes = Array.from({ length: ROTATIONS }, () => ({ users: authority.workload('users'), orders: authority.workload('orders') }))
    const { usersFiles, ordersFiles, users, orders, server } = await tlsPair(authority, authority)
    const calls = startCalls(orders, PER_SEC, { mostUnderWay: 500 })
    await answersOf(server, PER_SEC)
    for (const to of newOnes) {
      const renewed = Promise.all([next(users, 'tlsRenewed'), next(orders, 'tlsRenewed')])
      usersFiles.show(to.users)
      ordersFiles.show(to.orders)
      await renewed
      const [own, peer] = [fingerprintOf(to.users.cert), fingerprintOf(to.orders.cert)]
      const from = server.certificates.length
      await answersOf(server, PER_SEC)
      const old = server.certificates.slice(from).filter((request) => request.own !== own || request.peer !== peer)
      // What was on its way when the files were read.
      expect(old.length).toBe(new Set(old.map(({ connection }) => connection)).size)
    }
    const report = await calls.stop()
    const p99Ms = percentile(report.latenciesMs, 0.99)
    process.stdout.write(`M03: ${report.calls} calls, lost ${report.lost.length}, ${ROTATIONS} rotations, ${server.connections.length} connections, p99 ${p99Ms.toFixed(0)} ms\n`)
    expect(report.lost).toEqual([])
    expect(report.calls).toBeGreaterThan(ROTATIONS * PER_SEC)
  })
})
