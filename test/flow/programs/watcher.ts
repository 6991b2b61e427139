// Follows a service, calls it, never closes, and then has nothing left to do.
import { once } from 'node:events'
import { connect } from 'node:net'
import { consul, createMesh } from '../../../src/index.js'

const mesh = createMesh({ service: 'orders', registry: consul(), services: { users: {} }, admin: { port: 0 } })
await mesh.ready()
const reply = await mesh.service('users').get('/')
process.stdout.write(`${reply.status} ${await reply.text()}\n`)
// Whoever asked the admin listener keeps its connection.
const scraper = connect(Number(new URL((await mesh.adminUrl)!).port), '127.0.0.1')
scraper.write('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n')
await once(scraper, 'data')
scraper.unref()
process.stdout.write('idle\n')
