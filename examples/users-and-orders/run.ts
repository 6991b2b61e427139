// The demo: a control plane, three user services, two order services, visitors and an intruder, each in its own process.
//
//   npm run demo                    some fifteen seconds, then a report; exits 0 only if every claim in it held
//   npm run demo -- --stay          keeps everything running until Ctrl-C, and says what to try
//   npm run demo -- --registry etcd on a real etcd, where one is installed, instead of the control plane's registry
//   npm run demo -- --port 7200     port of the control plane, 0 for any free one (default 7117)
//   npm run demo -- --seconds 3     how long visitors come (default 10)
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { ServiceExplanation } from 'sidecarless'
import { Children, type Child } from './children.js'
import { ask, wholeTrace } from './control-plane.js'
import type { Attempted } from './intruder.js'
import type { Load } from './load.js'
import { consulOf, startEtcd, type DemoRegistry } from './registries.js'
import { tellBalance, tellDiscovery, tellEnd, tellIdentity, tellLoad, tellTrace, type Member } from './report.js'
import { Report, styleFor } from './terminal.js'
import { whatToTry } from './what-to-try.js'

const EXAMPLE = 'examples/users-and-orders'
const WORK_MS = 8
const SLOWED = 'users-3'
const SLOWED_WORK_MS = 80

const { values: options } = parseArgs({
  options: {
    stay: { type: 'boolean', default: false },
    registry: { type: 'string', default: 'consul' },
    port: { type: 'string', default: '7117' },
    seconds: { type: 'string', default: '10' },
  },
})

const children = new Children()
const report = new Report(styleFor(process.stdout, process.env), console.log)

// Whatever becomes of this process, nothing that it started outlives it.
process.once('exit', () => children.kill())
let interrupted = (): void => process.exit(130)
process.on('SIGINT', () => interrupted())
process.on('SIGTERM', () => interrupted())

try {
  await demo()
  process.exitCode = report.failed === 0 ? 0 : 1
} catch (error) {
  console.error(`\n${report.style.bad('✗')} ${(error as Error).message}`)
  process.exit(1)
}

async function demo(): Promise<void> {
  console.log(report.style.bold('sidecarless: users and orders'))
  if (options.registry !== 'consul' && options.registry !== 'etcd') {
    throw new Error(`--registry: expected consul or etcd, got '${options.registry}'`)
  }
  const clientSecret = randomBytes(24).toString('base64url')
  const controlPlane = children.start('control plane', 'dist/cli.js', ['dev', '--no-otlp', '--port', options.port], {
    MESH_CLIENT_SECRET: clientSecret,
  })
  const url = await urlOf(controlPlane)
  report.line(report.style.dim(`control plane on ${url}`))
  const registry = options.registry === 'etcd' ? await startEtcd(children, `${EXAMPLE}/etcd.ts`) : consulOf(url)
  if (registry.process !== undefined) report.line(report.style.dim(await registry.process.firstLine))

  const environment = { CONSUL_HTTP_ADDR: url, MESH_CLIENT_SECRET: clientSecret, ...registry.environment }
  const start = (id: string, file: string, more: Readonly<Record<string, string>> = {}): Child =>
    children.start(id, `${EXAMPLE}/${file}`, [], { ...environment, INSTANCE: id, ...more })
  report.line(report.style.dim('starting three user services and two order services …'))
  const users = ['users-1', 'users-2', 'users-3'].map((id) =>
    start(id, 'user-service.ts', { WORK_MS: String(id === SLOWED ? SLOWED_WORK_MS : WORK_MS) }),
  )
  const orders = ['orders-1', 'orders-2'].map((id) => start(id, 'order-service.ts'))
  const services = [...users, ...orders]
  await Promise.all(services.map(({ firstLine }) => firstLine))

  report.line(report.style.dim(`sending visitors for ${options.seconds} seconds, and an intruder …`))
  const [load, attempted] = await Promise.all([
    resultOf<Load>(start('edge', 'load.ts', { SECONDS: options.seconds })),
    resultOf<readonly Attempted[]>(start('intruder', 'intruder.ts', { MESH_CLIENT_SECRET: '' })),
  ])

  const userMembers = await membersOf('users', users, registry)
  const orderMembers = await membersOf('orders', orders, registry)
  const views = await Promise.all(orderMembers.map(({ address }) => ask<ServiceExplanation>(`http://${address}/mesh`)))
  tellDiscovery(report, userMembers, orderMembers, views)
  tellLoad(report, load)
  tellBalance(report, load, SLOWED, views[0])
  tellIdentity(report, attempted, load)
  tellTrace(report, await wholeTrace(url, ['edge', 'orders', 'users'], 6))

  if (options.stay) {
    report.heading('Your turn')
    for (const line of whatToTry({ url, look: registry.look, clientSecret, order: orderMembers[0]!, user: userMembers[0]! })) report.line(line)
    await new Promise<void>((resolve) => (interrupted = resolve))
  }
  // Who stays may have killed some, as told to.
  const left = options.stay ? services.filter((child) => child.isRunning()) : services
  const foundations = registry.process === undefined ? [controlPlane] : [controlPlane, registry.process]
  tellEnd(report, await stopAll(left, foundations))
  report.conclude()
}

/** The control plane says where it is in its first words. */
async function urlOf(controlPlane: Child): Promise<string> {
  const greeting = await controlPlane.firstLine.catch((error: Error) => {
    throw new Error(`${error.message}\n  The demo can use another port: npm run demo -- --port 7200`)
  })
  const url = /https?:\/\/[^\s,]+/.exec(greeting)?.[0]
  if (url === undefined) throw new Error(`the control plane did not say where it is: ${greeting}`)
  return url
}

/** What a process that runs to its end has to say: its last line, as JSON. */
async function resultOf<T>({ name, ended }: Child): Promise<T> {
  const { code, stdout, stderr } = await ended
  if (code !== 0) throw new Error(`${name} ended with code ${code}: ${stderr.trim()}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T
}

async function membersOf(service: string, started: readonly Child[], registry: DemoRegistry): Promise<readonly Member[]> {
  const listed = await registry.instancesOf(service)
  return listed.map(({ id, address }) => ({
    id,
    address,
    pid: started.find(({ name }) => name === id)?.pid,
    note: id === SLOWED ? `slowed down: works ${SLOWED_WORK_MS} ms on each request, the others ${WORK_MS} ms` : '',
  }))
}

/** Ends the services, and then what they depend on; tells for each process whether it ended by itself. */
async function stopAll(services: readonly Child[], foundations: readonly Child[]): Promise<ReadonlyMap<string, boolean>> {
  const ends = new Map<string, boolean>()
  const stop = async (child: Child): Promise<void> => void ends.set(child.name, (await child.stop()).code === 0)
  await Promise.all(services.map(stop))
  await Promise.all(foundations.map(stop))
  return ends
}
