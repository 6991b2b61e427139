import express from 'express'
import { decodeJwt } from 'jose'
import { request } from 'undici'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createControlPlane, type ControlPlane } from '../../src/control-plane/control-plane.js'
import { fixed } from '../../src/discovery/fixed.js'
import { expressMesh } from '../../src/express.js'
import { createMesh, type Mesh } from '../../src/mesh.js'
import { Peer } from './peer.js'

let plane: ControlPlane
let users: Peer
let billing: Peer
let outside: Peer
let meshes: Mesh[]

function meshOf(service: string): Mesh {
  const mesh = createMesh({
    service,
    registry: fixed({ users: [users.address], billing: [billing.address] }),
    identity: { issuer: plane.url, clientSecret: service },
  })
  meshes.push(mesh)
  return mesh
}

beforeEach(async () => {
  plane = await createControlPlane({ port: 0, clients: { orders: 'orders', users: 'users' } })
  ;[users, billing, outside] = await Promise.all([Peer.start(), Peer.start(), Peer.start()])
  meshes = []
})
afterEach(async () => {
  await Promise.all(meshes.map((mesh) => mesh.close()))
  await Promise.all([users.close(), billing.close(), outside.close(), plane.close()])
})

it('O08 never hands the token of a request on to the services that the request makes it call', async () => {
  const mesh = meshOf('users')
  const app = express()
  app.use(expressMesh(mesh, { policy: { allow: [{ from: ['orders'] }] } }))
  app.get('/', async (_request, response) => {
    await (await mesh.fetch('http://billing/')).text()
    await (await request('http://billing/', { dispatcher: mesh.dispatcher })).body.text()
    await (await mesh.service('billing').get('/')).text()
    await (await mesh.fetch(`http://${outside.address}/`)).text()
    response.end('called')
  })
  users.answer = app

  expect(await (await meshOf('orders').fetch('http://users/')).text()).toBe('called')
  const seen = (peer: Peer): object[] => peer.tokens.map((token) => decodeJwt(token!.replace('Bearer ', '')))
  expect(seen(users)).toMatchObject([{ sub: 'orders', aud: 'users' }])
  expect(seen(billing)).toMatchObject(Array(3).fill({ sub: 'users', aud: 'billing' }))
  expect(outside.tokens).toEqual([undefined])
})
