import type { IncomingMessage, ServerResponse } from 'node:http'
import { HttpDoor, type Answering } from './doors/http.js'
import { answerTasks } from './helper.js'
import type { MoleculerNode } from './moleculer/node.js'
import type { Address, Doors, Issuer } from './rule.js'
import { WorkQueue } from './work-queue.js'

/** What a server is for the time of one play. */
export interface ServerShape {
  readonly slots: number
  readonly speed: number
  readonly doors: Doors
  readonly node: Address['node']
  readonly issuer: Issuer
}

/** A server that has just started works at this share of its speed, and reaches all of it little by little. */
const COLD_RATIO = 0.3
const WARMUP_MS = 3_000

let shape: ServerShape
let queue: WorkQueue
let warm = true
let startedAt = 0
let fails = false
let leaving = false
let guarded: Answering | undefined
let node: MoleculerNode | undefined

function speed(): number {
  const age = (performance.now() - startedAt) / WARMUP_MS
  return shape.speed * (warm ? 1 : Math.min(1, COLD_RATIO + (1 - COLD_RATIO) * age))
}

function work(request: IncomingMessage, response: ServerResponse): void {
  if (fails) return void response.writeHead(500).end()
  const workMs = Number(request.url!.slice('/work/'.length))
  const job = queue.add(workMs, () => response.end('done'))
  // Nobody waits for it any more.
  response.once('close', () => job.drop())
}

const http = new HttpDoor((request, response) => {
  if (request.url === '/healthz') response.writeHead(leaving ? 503 : 200).end()
  else if (guarded !== undefined && request.headers.authorization !== undefined) guarded(request, response)
  else work(request, response)
})

function serveNode(workMs: number): Promise<void> {
  if (fails) return Promise.reject(new Error('This server fails'))
  return new Promise((resolve) => queue.add(workMs, resolve))
}

answerTasks({
  open: () => http.open(),

  async become(wanted: ServerShape) {
    await node?.close()
    shape = wanted
    queue = new WorkQueue(shape.slots, speed)
    ;[warm, fails, leaving, guarded, node] = [true, false, false, undefined, undefined]
    const { mesh, moleculer } = shape.doors
    if (mesh !== undefined) guarded = (await import('./doors/mesh.js')).behindMesh(shape.issuer.url, mesh, work)
    if (moleculer !== true) return
    const { MoleculerNode } = await import('./moleculer/node.js')
    node = new MoleculerNode(shape.node, serveNode)
    await node.open()
  },

  fail(whether: boolean) {
    fails = whether
  },

  /** From now on its health says that it goes. */
  leave() {
    leaving = true
  },

  close: () => Promise.all([http.close(), node?.close()]),

  /** Comes back as a process does that has just started. */
  async reopen() {
    ;[warm, startedAt, leaving] = [false, performance.now(), false]
    await Promise.all([http.open(), node?.open()])
  },
})
