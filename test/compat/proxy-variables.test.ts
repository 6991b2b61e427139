import { afterEach, expect, it, vi } from 'vitest'
import { createControlPlane } from '../../src/control-plane/control-plane.js'
import { fixed } from '../../src/discovery/fixed.js'
import { createMesh } from '../../src/mesh.js'
import { Peer } from './peer.js'

afterEach(() => vi.unstubAllEnvs())

it('O09 sends neither calls nor the errands for tokens to the proxy that the environment names', async () => {
  const [proxy, users, plane] = await Promise.all([Peer.start(), Peer.start(), createControlPlane({ port: 0, clientSecret: 'hush' })])
  for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY']) vi.stubEnv(name, `http://${proxy.address}`)
  vi.stubEnv('NODE_USE_ENV_PROXY', '1')
  const mesh = createMesh({
    service: 'orders',
    registry: fixed({ users: [users.address] }),
    identity: { issuer: plane.url, clientSecret: 'hush' },
  })
  try {
    await (await mesh.fetch('http://users/')).text()
    await (await mesh.service('users').get('/')).text()
    expect(users.tokens).toEqual([expect.stringMatching(/^Bearer /), expect.stringMatching(/^Bearer /)])
    expect(proxy.connections).toBe(0)
  } finally {
    await Promise.all([mesh.close(), proxy.close(), users.close(), plane.close()])
  }
})
