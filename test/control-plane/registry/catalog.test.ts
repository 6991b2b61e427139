import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Catalog } from '../../../src/control-plane/registry/catalog.js'
import { statusOf, type CheckStatus, type Registration } from '../../../src/control-plane/registry/service.js'
import { FakeClock } from '../../support/fake-clock.js'

interface Wanted {
  readonly name?: string
  readonly port?: number
  readonly status?: CheckStatus
  readonly checkId?: string
  readonly deregisterAfterMs?: number
}

const plain = { address: '', tags: [], meta: {}, weights: { passing: 1, warning: 1 }, enableTagOverride: false }

function registration(id: string, wanted: Wanted = {}): Registration {
  const { name = 'users', port = 8081, status = 'passing', checkId = `service:${id}`, deregisterAfterMs } = wanted
  return {
    definition: { ...plain, id, name, port },
    checks: [{ definition: { id: checkId, name: 'alive', notes: '', ttlMs: 10_000, deregisterAfterMs }, status }],
    replacesChecks: false,
  }
}

function scene(): { clock: FakeClock; catalog: Catalog; status: (id: string) => CheckStatus | undefined } {
  const clock = new FakeClock()
  const catalog = new Catalog(clock)
  const status = (id: string): CheckStatus | undefined => {
    const service = catalog.withId(id)
    return service === undefined ? undefined : statusOf(service)
  }
  return { clock, catalog, status }
}

describe('the catalog', () => {
  it('turns a check critical when nobody reports on it in its time, and not before', async () => {
    const { clock, catalog, status } = scene()
    catalog.register(registration('users-1'))
    await clock.advance(9_999)
    expect(status('users-1')).toBe('passing')
    await clock.advance(1)
    expect(status('users-1')).toBe('critical')
    expect(catalog.check('service:users-1')?.output).toBe('TTL expired')
  })

  it('keeps a service passing for as long as it reports', async () => {
    const { clock, catalog, status } = scene()
    catalog.register(registration('users-1'))
    for (let i = 0; i < 10; i++) {
      await clock.advance(9_000)
      catalog.report('service:users-1', 'passing', '')
    }
    expect(status('users-1')).toBe('passing')
  })

  it('takes a service out once it was critical for its time, which telling it again does not put off', async () => {
    const { clock, catalog, status } = scene()
    catalog.register(registration('users-1', { deregisterAfterMs: 60_000 }))
    await clock.advance(10_000)
    await clock.advance(40_000)
    catalog.report('service:users-1', 'critical', 'still bad')
    catalog.register(registration('users-1', { deregisterAfterMs: 60_000 }))
    await clock.advance(19_999)
    expect(status('users-1')).toBe('critical')
    await clock.advance(1)
    expect(status('users-1')).toBeUndefined()
    expect(clock.pending).toBe(0)
  })

  it('lets a service that came back in time stay', async () => {
    const { clock, catalog, status } = scene()
    catalog.register(registration('users-1', { deregisterAfterMs: 60_000 }))
    await clock.advance(60_000)
    catalog.report('service:users-1', 'passing', '')
    await clock.advance(9_999)
    expect(status('users-1')).toBe('passing')
  })

  it('raises the index of the name that changed and of no other', () => {
    const { catalog } = scene()
    catalog.register(registration('users-1'))
    catalog.register(registration('orders-1', { name: 'orders' }))
    const [users, orders] = [catalog.indexOf('users'), catalog.indexOf('orders')]
    catalog.report('service:users-1', 'warning', '')
    expect(catalog.indexOf('users')).toBeGreaterThan(users)
    expect(catalog.indexOf('orders')).toBe(orders)
    expect(catalog.index).toBe(catalog.indexOf('users'))
  })

  it('does not count a heartbeat or the same registration again as a change', () => {
    const { catalog } = scene()
    catalog.register(registration('users-1'))
    const before = catalog.index
    catalog.report('service:users-1', 'passing', 'fine')
    catalog.register(registration('users-1'))
    expect(catalog.index).toBe(before)
    catalog.register(registration('users-1', { port: 8082 }))
    expect(catalog.index).toBeGreaterThan(before)
  })

  it('keeps the health of a service that registers anew', () => {
    const { catalog, status } = scene()
    catalog.register(registration('users-1'))
    catalog.report('service:users-1', 'warning', '')
    catalog.register(registration('users-1', { status: 'critical' }))
    expect(status('users-1')).toBe('warning')
  })

  it('moves a service that registers under another name', () => {
    const { catalog } = scene()
    catalog.register(registration('a'))
    catalog.register(registration('a', { name: 'orders' }))
    expect(catalog.named('users')).toEqual([])
    expect(catalog.named('orders').map(({ definition }) => definition.id)).toEqual(['a'])
    expect(catalog.names).toEqual(['orders'])
  })

  it('gives a check id to whoever registered it last', () => {
    const { catalog } = scene()
    catalog.register(registration('users-1', { checkId: 'alive' }))
    catalog.register(registration('users-2', { checkId: 'alive' }))
    expect(catalog.withId('users-1')?.checks.size).toBe(0)
    expect(catalog.withId('users-2')?.checks.has('alive')).toBe(true)
  })

  it('replaces the checks of a service when asked to', () => {
    const { catalog } = scene()
    catalog.register(registration('users-1', { checkId: 'old' }))
    catalog.register({ ...registration('users-1', { checkId: 'new' }), replacesChecks: true })
    expect([...catalog.withId('users-1')!.checks.keys()]).toEqual(['new'])
  })

  it('never looks older after a restart', async () => {
    const clock = new FakeClock()
    const first = new Catalog(clock)
    for (let i = 0; i < 50; i++) first.register(registration(`users-${i}`))
    first.close()
    await clock.advance(1_000)
    expect(new Catalog(clock).index).toBeGreaterThan(first.index)
  })

  it('leaves no timer and no name behind, whatever happened to it', () => {
    const id = fc.constantFrom('a', 'b', 'c')
    const name = fc.constantFrom('users', 'orders')
    const status = fc.constantFrom<CheckStatus>('passing', 'warning', 'critical')
    const step = fc.oneof(
      fc.tuple(id, name, status).map(([i, n, s]) => (c: Catalog) => {
        c.register(registration(i, { name: n, status: s, deregisterAfterMs: 60_000 }))
      }),
      fc.tuple(id, status).map(([i, s]) => (c: Catalog) => c.report(`service:${i}`, s, '')),
      id.map((i) => (c: Catalog) => void c.deregister(i)),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { clock, catalog } = scene()
        let last = 0
        for (const run of steps) {
          run(catalog)
          expect(catalog.index).toBeGreaterThanOrEqual(last)
          last = catalog.index
          const held = catalog.names.flatMap((one) => catalog.named(one))
          expect(new Set(held)).toEqual(new Set(catalog.services))
          expect(clock.pending).toBe(catalog.services.length)
        }
        for (const service of catalog.services) catalog.deregister(service.definition.id)
        expect([clock.pending, catalog.names.length]).toEqual([0, 0])
      }),
    )
  })
})
