import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const isBuilt = existsSync(resolve(root, 'dist/index.js'))
const doors = ['sidecarless', 'sidecarless/express', 'sidecarless/fastify', 'sidecarless/web', 'sidecarless/testing']

/** An application that uses the fetch of its Node: what it got, and whether our undici sent it. */
const application = `
  async function main() {
    // Its first use settles whose dispatcher the built-in fetch has: this application must not load undici before.
    await fetch('data:,')
    const { Agent } = await import('undici')
    const { createServer } = await import('node:http')
    const dispatch = Agent.prototype.dispatch
    let sentByOurs = false
    Agent.prototype.dispatch = function (...request) {
      sentByOurs = true
      return dispatch.apply(this, request)
    }
    const server = createServer((request, response) => request.pipe(response)).listen(0, '127.0.0.1', async () => {
      const url = 'http://127.0.0.1:' + server.address().port
      const sending = fetch(url, { method: 'POST', headers: { 'content-length': '5' }, body: 'hello' })
      const echoed = await sending.then((answer) => answer.text(), (error) => String(error.cause))
      console.log(JSON.stringify({ echoed, sentByOurs }))
      server.close()
      server.closeAllConnections()
    })
  }
  main()
`

const formats = [
  { format: 'import', type: 'module', load: (door: string) => `import '${door}';` },
  { format: 'require', type: 'commonjs', load: (door: string) => `require('${door}');` },
]

async function run(type: string, code: string): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [`--input-type=${type}`, '-e', code], { cwd: root })
  return JSON.parse(stdout)
}

// `npm test` builds the package first; where the whole suite must run, that is no choice.
describe.skipIf(!isBuilt && process.env['CI'] === undefined)("an application's own fetch stays its own", () => {
  describe.each(formats)('after $format', ({ type, load }) => {
    it.each(doors)('of %s', async (door) => {
      expect(await run(type, load(door) + application)).toEqual({ echoed: 'hello', sentByOurs: false })
    })
  })
})
