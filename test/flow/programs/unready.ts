// Waits for a registry that cannot be reached, with nothing else to live for.
import { consul, createMesh } from '../../../src/index.js'

const mesh = createMesh({
  service: 'orders',
  registry: consul({ address: 'http://127.0.0.1:1' }),
  services: { users: { timeoutMs: 300 } },
  readyTimeoutMs: 300,
})
const codeOf = (waiting: Promise<unknown>): Promise<unknown> => waiting.then(() => 'fulfilled', ({ code }: { code: string }) => code)
console.log('ready:', await codeOf(mesh.ready()))
console.log('call:', await codeOf(mesh.service('users').get('/')))
console.log('fetch:', await codeOf(mesh.fetch('http://users/')))
