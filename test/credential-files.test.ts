import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { Authority, describeWithOpenssl, IdentityFiles } from './support/certificates.js'
import { startCalls } from './support/steady-calls.js'
import { answersOf, fingerprintOf, tlsPair } from './support/tls-pair.js'
import { next, tlsMesh } from './support/tls-scene.js'

/** Few enough for a machine that runs other tests; a thousand a second are in faults/certificates.test.ts. */
const PER_SEC = 50

describeWithOpenssl('the files of tls', () => {
  it('M03 replaced under load: no call is lost, and the old ones are used for no new connection and no second call', { timeout: 120_000 }, async () => {
    const authority = Authority.create()
    const newOnes = Array.from({ length: 2 }, () => ({ users: authority.workload('users'), orders: authority.workload('orders') }))
    const { usersFiles, ordersFiles, users, orders, server } = await tlsPair(authority, authority)
    const calls = startCalls(orders, PER_SEC)
    await answersOf(server, 30)
    for (const to of newOnes) {
      const renewed = Promise.all([next(users, 'tlsRenewed'), next(orders, 'tlsRenewed')])
      usersFiles.show(to.users)
      ordersFiles.show(to.orders)
      await renewed
      const from = server.certificates.length
      await answersOf(server, 60)
      const since = server.certificates.slice(from)
      const old = since.filter(({ own, peer }) => own !== fingerprintOf(to.users.cert) || peer !== fingerprintOf(to.orders.cert))
      // What was on its way when the files were read.
      expect(old.length).toBe(new Set(old.map(({ connection }) => connection)).size)
      expect(old.length).toBeLessThan(since.length / 2)
    }
    const { lost } = await calls.stop()
    expect(lost).toEqual([])
  })

  it('M03 replaced at the server alone: no call is lost, and each of its old connections is given one more at most', { timeout: 120_000 }, async () => {
    const authority = Authority.create()
    const to = authority.workload('users')
    const { usersFiles, users, orders, server } = await tlsPair(authority, authority)
    const calls = startCalls(orders, PER_SEC)
    await answersOf(server, 30)
    const renewed = next(users, 'tlsRenewed')
    usersFiles.show(to)
    await renewed
    const from = server.certificates.length
    await answersOf(server, 60)
    const since = server.certificates.slice(from)
    const old = since.filter(({ own }) => own !== fingerprintOf(to.cert))
    expect(old.length).toBe(new Set(old.map(({ connection }) => connection)).size)
    expect(old.length).toBeLessThan(since.length)
    expect((await calls.stop()).lost).toEqual([])
  })

  it('M04 an authority that the server no longer trusts: its callers are refused at once, and what they have under way is cut', async () => {
    const [usersAuthority, ordersAuthority] = [Authority.create('one'), Authority.create('other')]
    const { usersFiles, users, orders, server } = await tlsPair(usersAuthority, ordersAuthority, 500)
    const endless = await orders.service('users').get('/endless')
    const cut = endless.text().then(
      () => 'ended',
      (error: { code: string }) => error.code,
    )
    const renewed = next(users, 'tlsRenewed')
    usersFiles.trust(usersAuthority)
    expect((await renewed).distrusts).toBe(true)
    const before = server.callers.length
    const refused = next(users, 'connectionRefused')
    // Not over the connection that stands: that has one answer under way.
    expect(await orders.service('users').get('/', { retry: false, timeoutMs: 5_000 }).catch((error: { code: string }) => error.code)).toMatch(/^MESH_ERR_(?:CONNECTION|TLS)$/)
    await refused
    expect(server.callers.length).toBe(before)
    expect(await cut).toBe('MESH_ERR_CONNECTION')
  })

  it('M04 an authority that the caller no longer trusts: nothing more is sent to its endpoints, and what is under way is cut', async () => {
    const [usersAuthority, ordersAuthority] = [Authority.create('one'), Authority.create('other')]
    const { ordersFiles, orders, server } = await tlsPair(usersAuthority, ordersAuthority, 500)
    const endless = await orders.service('users').get('/endless')
    const cut = endless.text().then(
      () => 'ended',
      (error: { code: string }) => error.code,
    )
    const renewed = next(orders, 'tlsRenewed')
    ordersFiles.trust(ordersAuthority)
    expect((await renewed).distrusts).toBe(true)
    const before = server.callers.length
    await expect(orders.service('users').get('/')).rejects.toMatchObject({ code: 'MESH_ERR_TLS', processed: 'no' })
    expect(server.callers.length).toBe(before)
    expect(await cut).toBe('MESH_ERR_TLS')
  })

  it('tell in figures when the certificate expires, also of the next one', async () => {
    const authority = Authority.create()
    const { ordersFiles, orders } = await tlsPair(authority, authority)
    const toldSec = (): number => Number(/^mesh_tls_certificate_expiration_seconds (\d+)$/m.exec(orders.metrics())![1])
    const daysLeft = (): number => Math.round((toldSec() - Date.now() / 1_000) / 86_400)
    const before = daysLeft()
    const renewed = next(orders, 'tlsRenewed')
    ordersFiles.show(authority.workload('orders', { days: 30 }))
    await renewed
    expect([before, daysLeft()]).toEqual([2, 30])
    expect(orders.snapshot().certificate).toEqual({ spiffeId: 'spiffe://mesh.test/orders', expiresAt: 1_000 * toldSec() })
  })

  it('of no use for a while: the last good ones serve on, it is told once, and the next good ones are taken', async () => {
    const authority = Authority.create()
    const { ordersFiles, orders } = await tlsPair(authority, authority)
    const told: string[] = []
    orders.on('tlsError', ({ error }) => told.push(error.message))
    const failed = next(orders, 'tlsError')
    const { cert, key } = authority.workload('orders')
    writeFileSync(ordersFiles.options.cert, cert)
    await failed
    expect(told).toEqual([expect.stringContaining('key: it is not the key of cert')])
    expect((await orders.service('users').get('/')).status).toBe(200)
    const renewed = next(orders, 'tlsRenewed')
    writeFileSync(ordersFiles.options.key, key)
    expect(await renewed).toMatchObject({ spiffeId: 'spiffe://mesh.test/orders', distrusts: false })
    expect(told.length).toBe(1)
  })

  it.each([
    ['that are missing', { cert: '/nowhere' }, /^tls\.ENOENT.*nowhere/],
    ['of another trust domain', { trustDomain: 'other.test' }, /^tls\.cert: its SPIFFE ID is of another trust domain/],
  ])('%s are an error at the start', (_, more, message) => {
    const authority = Authority.create()
    const files = new IdentityFiles(authority.workload('orders'), [authority])
    expect(() => tlsMesh('orders', { tls: { ...files.options, ...more } })).toThrow(message)
  })

  it('with the key of another, an authority that is none, or a certificate that has expired, are an error at the start', () => {
    const authority = Authority.create()
    const orders = authority.workload('orders')
    const meshOf = (identity: typeof orders, ca: Pick<Authority, 'pem'>): void => {
      tlsMesh('orders', { tls: new IdentityFiles(identity, [ca as Authority]).options })
    }
    expect(() => meshOf({ ...orders, key: authority.workload('users').key }, authority)).toThrow(/^tls\.key: it is not the key of cert/)
    expect(() => meshOf(orders, { pem: orders.cert })).toThrow(/^tls\.ca: a certificate in it is not that of an authority/)
    expect(() => meshOf(orders, { pem: '' })).toThrow(/^tls\.ca: it does not hold whole certificates/)
    expect(() => meshOf(authority.workload('orders', { days: -1 }), authority)).toThrow(/^tls\.cert: it expired/)
  })
})
