import type { TLSSocket } from 'node:tls'
import { describe, expect, it } from 'vitest'
import type { ConnectionIdentity } from '../../src/auth/connection-identity.js'
import { SvidError } from '../../src/auth/x509-svid.js'
import { Cancellation } from '../../src/call/cancellation.js'
import type { Arrival } from '../../src/call/inbound.js'
import type { TlsMode } from '../../src/call/policy.js'
import type { InboundOptions } from '../../src/inbound-options.js'
import { FakeClock } from '../support/fake-clock.js'
import { InboundScene } from '../support/inbound-mesh.js'

const OF_ORDERS = {} as TLSSocket
const OF_BILLING = {} as TLSSocket
const OF_NOBODY = {} as TLSSocket
const EXPIRES_IN_MS = 60_000

function identity(expiresAt: number): ConnectionIdentity {
  const names = new Map([[OF_ORDERS, 'orders'], [OF_BILLING, 'billing']])
  return {
    trustDomain: 'mesh.test',
    peerOf(connection) {
      const name = names.get(connection)
      if (name === undefined) throw new SvidError('it has shown no certificate')
      return { spiffeId: `spiffe://mesh.test/${name}`, expiresAt }
    },
    identityOf: (service) => `spiffe://mesh.test/${service}`,
    serviceOf: (id) => /^spiffe:\/\/mesh\.test\/([a-z]+)$/.exec(id)?.[1],
  }
}

interface Scene {
  readonly scene: InboundScene
  readonly clock: FakeClock
  /** What becomes of a request: the status, and whom the application saw. */
  ask(connection: TLSSocket | undefined, headers?: Record<string, string>): Promise<{ readonly status: number; readonly caller: string | undefined }>
}

async function sceneWith(mode: TlsMode, issuer: boolean, options: InboundOptions = { policy: { allow: [{ from: ['orders', 'spiffe://mesh.test/orders'] }] } }): Promise<Scene> {
  const clock = new FakeClock()
  const tls = { identity: identity(clock.epochMs() + EXPIRES_IN_MS), mode }
  const scene = await InboundScene.create({ tls, ...(issuer ? {} : { clock, verification: undefined }) })
  const handle = scene.inbound({ shed: false, ...options })
  return {
    scene,
    clock,
    async ask(connection, headers = {}) {
      let caller: string | undefined
      const arrival: Arrival = {
        method: 'GET',
        target: '/',
        scheme: connection === undefined ? 'http' : 'https',
        remoteAddress: undefined,
        connection,
        cancellation: new Cancellation(),
        header: (name) => headers[name],
        async proceed({ peer }) {
          caller = peer?.service
          return { status: 200, route: undefined, aborted: false, answer: undefined }
        },
      }
      const { status } = await handle(arrival)
      return { status, caller }
    },
  }
}

describe('a connection over TLS', () => {
  it('says who calls, where there is no issuer, and policy judges by it', async () => {
    const { ask } = await sceneWith('required', false)
    expect(await ask(OF_ORDERS)).toEqual({ status: 200, caller: 'orders' })
    expect(await ask(OF_BILLING)).toEqual({ status: 403, caller: undefined })
  })

  it('O06 is asked for: what comes in the clear, or without a good certificate, is refused', async () => {
    for (const issuer of [true, false]) {
      const { ask, scene } = await sceneWith('required', issuer)
      const bearer = await scene.bearer('orders')
      expect(await ask(undefined, bearer)).toEqual({ status: 403, caller: undefined })
      expect(await ask(OF_NOBODY, bearer)).toEqual({ status: 403, caller: undefined })
      expect(scene.denied.map(({ code }) => code)).toEqual(['MESH_ERR_TLS', 'MESH_ERR_TLS'])
    }
  })

  it('does not take the place of the token, where there is an issuer', async () => {
    const { ask, scene } = await sceneWith('required', true)
    expect(await ask(OF_ORDERS)).toEqual({ status: 401, caller: undefined })
    expect(await ask(OF_ORDERS, await scene.bearer('orders'))).toEqual({ status: 200, caller: 'orders' })
  })

  it('O02 of another than the one whom the token speaks for: the token was stolen, and is refused', async () => {
    const { ask, scene } = await sceneWith('required', true)
    expect(await ask(OF_BILLING, await scene.bearer('orders'))).toEqual({ status: 401, caller: undefined })
    expect(scene.denied[0]?.reason).toContain('the token of orders came over a connection of spiffe://mesh.test/billing')
  })

  it('whose certificate has expired meanwhile is refused', async () => {
    const { ask, clock } = await sceneWith('required', false)
    expect((await ask(OF_ORDERS)).status).toBe(200)
    await clock.advance(EXPIRES_IN_MS)
    expect((await ask(OF_ORDERS)).status).toBe(403)
  })

  it('is welcome where TLS is offered, and so is one in the clear with a token, but not one that proves nothing', async () => {
    const { ask, scene } = await sceneWith('offered', true)
    const bearer = await scene.bearer('orders')
    expect((await ask(OF_ORDERS, bearer)).status).toBe(200)
    expect((await ask(undefined, bearer)).status).toBe(200)
    expect((await ask(OF_NOBODY, bearer)).status).toBe(403)
    expect((await (await sceneWith('offered', false)).ask(undefined)).status).toBe(401)
  })

  it('is not asked for on exempt paths, nor where TLS is off', async () => {
    const exempt = await sceneWith('required', true, { exempt: ['/'] })
    expect((await exempt.ask(undefined)).status).toBe(200)
    const off = await sceneWith('required', true, { tls: 'off', policy: { allow: [{ from: ['orders'] }] } })
    expect((await off.ask(undefined, await off.scene.bearer('orders'))).status).toBe(200)
  })

  it('cannot be asked for without certificates, nor can a caller be known by nothing at all', async () => {
    const scene = await InboundScene.create({ tls: undefined })
    expect(() => scene.inbound({ tls: 'required' })).toThrow(/^tls: expected 'off', unless createMesh was given tls/)
    await expect(sceneWith('off', false)).rejects.toThrow(/^identity\.issuer/)
  })
})
