// Follows a service, calls it, never closes, and then has nothing left to do.
import { consul, createMesh } from '../../../src/index.js'

const mesh = createMesh({ service: 'orders', registry: consul(), services: { users: {} } })
await mesh.ready()
const reply = await mesh.service('users').get('/')
process.stdout.write(`${reply.status} ${await reply.text()}\n`)
process.stdout.write('idle\n')
