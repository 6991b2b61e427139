// Opens a breaker whose timer has a minute to run, closes its mesh twice, and then has nothing left to do.
import { createMesh, fixed } from '../../../src/index.js'

const mesh = createMesh({
  service: 'orders',
  registry: fixed({ users: ['127.0.0.1:1'] }),
  services: { users: { breaker: { minCalls: 1, openMs: 60_000 }, retry: { maxResends: 0 } } },
})
await mesh.service('users').get('/').catch(() => {})
process.stdout.write(`${mesh.snapshot().services['users']!.breaker}\n`)
if (process.argv[2] === 'close') await Promise.all([mesh.close(), mesh.close()])
// The shared timer ends with its last tick.
await new Promise((resolve) => setTimeout(resolve, 50))
// Lists what keeps the process alive, and so no timer that does not.
const timers = process.getActiveResourcesInfo().filter((name) => name === 'Timeout')
process.stdout.write(`${timers.length} timers\n`)
