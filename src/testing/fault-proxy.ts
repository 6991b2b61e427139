import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { systemClock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { seededRandom } from '../base/random.js'
import { fields, oneOf, wholeNumber } from '../base/validate.js'
import { readFaults, readProxyOptions, type CutHow, type FaultProxyOptions, type Faults, type FaultSettings, type ProxySettings } from './fault-options.js'
import { FaultyLink, type LinkHost } from './faulty-link.js'

/** What a proxy has seen and done since it was made. */
export interface FaultProxyCounts {
  /** Connections that clients have made. */
  readonly connections: number
  /** Those of them that are there now. */
  readonly open: number
  /** Bytes passed on. */
  readonly toTargetBytes: number
  readonly toClientBytes: number
  /** Connections cut, by a fault or by {@link FaultProxy.cut}. */
  readonly cuts: number
  /** Losses of packets that were played. */
  readonly stalls: number
}

/** A TCP proxy on a port of its own, whose faults can be changed while connections run through it. */
export interface FaultProxy {
  /** Always `127.0.0.1`. */
  readonly host: string
  readonly port: number
  /** `http://127.0.0.1:<port>`. */
  readonly url: string
  /** How things stand at this moment. */
  readonly counts: FaultProxyCounts
  /** From now on exactly this goes wrong, on old connections and new ones. Rejects with `MESH_ERR_OPTION`. */
  set(faults: Faults): Promise<void>
  /** Nothing goes wrong any more. */
  heal(): Promise<void>
  /** Ends every connection at once: by RST, or by FIN with `'end'`. New ones are let through. */
  cut(how?: CutHow): void
  /** Fulfils as soon as each of these counts is reached; rejects with `MESH_ERR_CLOSED` when the proxy is closed before. */
  reached(counts: Partial<FaultProxyCounts>): Promise<void>
  /** Ends every connection and stops listening; nothing is left. Harmless when repeated. */
  close(): Promise<void>
}

const HOST = '127.0.0.1'

const readHow = oneOf('reset', 'end')
const count = wholeNumber(0)
const readCounts = fields<FaultProxyCounts>({
  connections: count,
  open: count,
  toTargetBytes: count,
  toClientBytes: count,
  cuts: count,
  stalls: count,
})

class TcpFaultProxy implements FaultProxy {
  readonly host = HOST
  readonly #options: ProxySettings
  readonly #links = new Set<FaultyLink>()
  readonly #waiting = new Set<{ wanted: Partial<FaultProxyCounts>; resolve(): void; reject(error: Error): void }>()
  readonly #linkHost: LinkHost
  readonly #counts = { connections: 0, toTargetBytes: 0, toClientBytes: 0, cuts: 0, stalls: 0 }
  #faults: FaultSettings
  #cutsLeft: number
  #server: Server | undefined
  #port = 0
  #closed = false

  constructor(options: ProxySettings) {
    this.#options = options
    this.#faults = options.faults
    this.#cutsLeft = options.faults.cut?.times ?? 0
    this.#linkHost = {
      clock: options.clock ?? systemClock,
      random: options.random ?? seededRandom(1),
      arrived: (direction, chunk) => options.observe?.(direction, chunk),
      passed: (direction, bytes) => {
        this.#counts[`${direction}Bytes`] += bytes
        this.#tell()
      },
      stalled: () => {
        this.#counts.stalls++
        this.#tell()
      },
      mayCut: () => {
        if (this.#cutsLeft === 0) return false
        this.#cutsLeft--
        this.#counts.cuts++
        this.#tell()
        return true
      },
    }
  }

  /** Takes a port; even one that refuses from the beginning needs it. */
  async begin(): Promise<void> {
    await this.#listen()
    if (this.#faults.refuse) this.#stopListening()
  }

  get port(): number {
    return this.#port
  }

  get url(): string {
    return `http://${HOST}:${this.#port}`
  }

  get counts(): FaultProxyCounts {
    return { ...this.#counts, open: this.#links.size }
  }

  async set(faults: Faults): Promise<void> {
    const settings = readFaults(faults, 'faults')
    if (this.#closed) throw closedError()
    this.#faults = settings
    this.#cutsLeft = settings.cut?.times ?? 0
    for (const link of this.#links) link.follow(settings)
    if (settings.refuse) this.#stopListening()
    else await this.#listen()
  }

  heal(): Promise<void> {
    return this.set({})
  }

  cut(how: CutHow = 'reset'): void {
    readHow(how, 'how')
    for (const link of this.#links) link.cut(how)
    this.#counts.cuts += this.#links.size
    this.#tell()
  }

  async reached(counts: Partial<FaultProxyCounts>): Promise<void> {
    const wanted = readCounts(counts, 'counts')
    if (this.#closed) throw closedError()
    await new Promise<void>((resolve, reject) => {
      this.#waiting.add({ wanted, resolve, reject })
      this.#tell()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const { reject } of this.#waiting) reject(closedError())
    this.#waiting.clear()
    this.#stopListening()
    for (const link of this.#links) link.destroy()
    await Promise.all([...this.#links].map(({ closed }) => closed))
  }

  /** Listens always on the port that it began with. */
  async #listen(): Promise<void> {
    if (this.#server !== undefined) return
    const server = (this.#server = createServer({ allowHalfOpen: true }, (incoming) => this.#connect(incoming)))
    await once(server.listen(this.#port, HOST), 'listening')
    this.#port = (server.address() as AddressInfo).port
  }

  /** Only the listener goes: its connections live on. */
  #stopListening(): void {
    this.#server?.close()
    this.#server = undefined
  }

  #connect(incoming: Socket): void {
    const outgoing = connect({ ...this.#options.target, allowHalfOpen: true })
    const link = new FaultyLink(incoming, outgoing, this.#faults, this.#linkHost)
    this.#links.add(link)
    void link.closed.then(() => this.#links.delete(link))
    this.#counts.connections++
    this.#tell()
  }

  #tell(): void {
    if (this.#waiting.size === 0) return
    const counts = this.counts
    for (const waiting of this.#waiting) {
      if (!Object.entries(waiting.wanted).every(([name, wanted]) => counts[name as keyof FaultProxyCounts] >= wanted)) continue
      this.#waiting.delete(waiting)
      waiting.resolve()
    }
  }
}

function closedError(): MeshError {
  return new MeshError('MESH_ERR_CLOSED', 'This fault proxy is closed: make a new one with createFaultProxy')
}

/**
 * Starts a TCP proxy to `target` on a free loopback port, to put between a client and a server whose behaviour in bad times
 * is to be shown. Rejects with `MESH_ERR_OPTION`.
 */
export async function createFaultProxy(options: FaultProxyOptions): Promise<FaultProxy> {
  const settings = readProxyOptions(options)
  const proxy = new TcpFaultProxy(settings)
  await proxy.begin()
  return proxy
}
