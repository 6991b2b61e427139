// Waits for a registry that cannot be reached, with nothing else to live for.
import { consul, createMesh } from '../../../src/index.js'

const mesh = createMesh({
  service: 'orders',
  registry: consul({ address: 'http://127.0.0.1:1' }),
  services: { users: { timeoutMs: 300 } },
  readyTimeoutMs: 300,
})
const codeOf = (waiting: Promise<unknown>): Promise<string> =>
  waiting.then(
    () => 'fulfilled',
    ({ code }: { code: string }) => code,
  )
process.stdout.write(`ready: ${await codeOf(mesh.ready())}\n`)
process.stdout.write(`call: ${await codeOf(mesh.service('users').get('/'))}\n`)
process.stdout.write(`fetch: ${await codeOf(mesh.fetch('http://users/'))}\n`)
