// Starts, perhaps while its registry is down; tells what became of `ready()` and of a call, and calls on until one is answered.
import { setTimeout as pause } from 'node:timers/promises'
import { consul, createMesh, isMeshError, type MeshError } from '../../../src/index.js'

const cacheDir = process.env.CACHE_DIR
const mesh = createMesh({
  service: 'orders',
  registry: consul(),
  services: { users: { timeoutMs: 500 } },
  readyTimeoutMs: 500,
  discovery: cacheDir === undefined ? {} : { cacheDir },
})
const codeOf = (error: unknown): string => (isMeshError(error) ? (error as MeshError).code : String(error))
const call = async (): Promise<string> => {
  const reply = await mesh.service('users').get('/')
  await reply.text()
  return String(reply.status)
}

process.stdout.write(`ready: ${await mesh.ready().then(() => 'yes', codeOf)}\n`)
let answer = await call().catch(codeOf)
process.stdout.write(`first call: ${answer}\n`)
while (answer !== '200') {
  await pause(100)
  answer = await call().catch(codeOf)
}
process.stdout.write('answered\n')
await mesh.close()
