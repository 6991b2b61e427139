import type { Socket } from 'node:net'
import type { Clock } from '../base/clock.js'
import type { Random } from '../base/random.js'
import type { CutHow, FaultSettings } from './fault-options.js'
import { FaultyFlow, type FlowHost } from './faulty-flow.js'

export type Direction = 'toTarget' | 'toClient'

/** What all connections of a proxy share. */
export interface LinkHost {
  readonly clock: Clock
  readonly random: Random
  arrived(direction: Direction, chunk: Buffer): void
  passed(direction: Direction, bytes: number): void
  stalled(): void
  /** Asks whether a cut that is due may happen: it may be limited in number. */
  mayCut(): boolean
}

const END_OF_HEADERS = '\r\n\r\n'

/** One connection from a client through the proxy to the target: two sockets and a flow each way. */
export class FaultyLink {
  /** Fulfils when both sides are closed. */
  readonly closed: Promise<unknown>
  readonly #incoming: Socket
  readonly #outgoing: Socket
  readonly #host: LinkHost
  readonly #flows: Readonly<Record<Direction, FaultyFlow>>
  #cut: FaultSettings['cut']
  readonly #passedBytes = { toTarget: 0, toClient: 0 }
  /** The last bytes of an answer, in which the end of its headers may have begun. */
  #tail = ''

  constructor(incoming: Socket, outgoing: Socket, faults: FaultSettings, host: LinkHost) {
    this.#incoming = incoming
    this.#outgoing = outgoing
    this.#host = host
    this.#flows = {
      toTarget: new FaultyFlow(incoming, outgoing, faults.toTarget, this.#flowHost('toTarget')),
      toClient: new FaultyFlow(outgoing, incoming, faults.toClient, this.#flowHost('toClient')),
    }
    for (const [socket, other] of [[incoming, outgoing] as const, [outgoing, incoming] as const]) {
      socket.setNoDelay(true)
      // A connection that breaks on one side breaks on the other; one that ends in good order is ended by its flow.
      socket.on('error', () => reset(other))
    }
    this.closed = Promise.all([incoming, outgoing].map((socket) => new Promise((resolve) => socket.on('close', resolve)))).then(() => this.#stop())
    this.#arm(faults)
    if (this.#cut?.at === 'connected' && host.mayCut()) this.cut(this.#cut.how)
  }

  follow(faults: FaultSettings): void {
    this.#arm(faults)
    this.#flows.toTarget.follow(faults.toTarget)
    this.#flows.toClient.follow(faults.toClient)
  }

  /** Ends both sides at once. */
  cut(how: CutHow): void {
    this.#stop()
    for (const socket of [this.#incoming, this.#outgoing]) {
      if (how === 'reset') reset(socket)
      else socket.destroySoon()
    }
  }

  destroy(): void {
    this.#stop()
    this.#incoming.destroy()
    this.#outgoing.destroy()
  }

  /** Counting begins anew with each fault. */
  #arm({ cut }: FaultSettings): void {
    this.#cut = cut !== undefined && (cut.ratio === 1 || this.#host.random() < cut.ratio) ? cut : undefined
    this.#passedBytes.toTarget = this.#passedBytes.toClient = 0
    this.#tail = ''
  }

  #flowHost(direction: Direction): FlowHost {
    const { clock, random } = this.#host
    return {
      clock,
      random,
      arrived: (chunk) => this.#host.arrived(direction, chunk),
      passed: (bytes) => this.#host.passed(direction, bytes),
      stalled: () => this.#host.stalled(),
      cut: (how) => this.cut(how),
      admit: (bytes) => {
        const length = this.#lengthBeforeCut(direction, bytes)
        this.#passedBytes[direction] += bytes.length
        if (length === undefined || !this.#host.mayCut()) return { bytes, cut: undefined }
        this.#stop()
        return { bytes: bytes.subarray(0, length), cut: this.#cut?.how }
      },
    }
  }

  /** How many of these bytes come before the cut; undefined when it is not due within them. */
  #lengthBeforeCut(direction: Direction, bytes: Buffer): number | undefined {
    const at = this.#cut?.at
    if (at === undefined || at === 'connected') return undefined
    if (typeof at === 'object') {
      const limit = direction === 'toTarget' ? 'toTargetBytes' : 'toClientBytes'
      const left = ((at as Partial<Record<typeof limit, number>>)[limit] ?? Infinity) - this.#passedBytes[direction]
      return left > 0 && left <= bytes.length ? left : undefined
    }
    if (direction === 'toTarget') return undefined
    if (at === 'before-headers') return 0
    const text = this.#tail + bytes.toString('latin1')
    const end = text.indexOf(END_OF_HEADERS)
    if (end >= 0) return end + END_OF_HEADERS.length - this.#tail.length
    this.#tail = text.slice(1 - END_OF_HEADERS.length)
    return undefined
  }

  #stop(): void {
    this.#flows.toTarget.stop()
    this.#flows.toClient.stop()
  }
}

/** While its end is on its way a socket cannot be reset: Node would report EINVAL and never close it. */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}
