import type { Clock, Timer } from '../base/clock.js'
import type { Attempt } from '../call/call.js'
import { connectorWithin } from './connector.js'
import type { Line } from './exchange.js'
import { Lines, type LinesOptions } from './lines.js'
import type { Security } from './security.js'
import { distrusted } from './transport-error.js'

export interface SecuredLinesOptions extends Pick<LinesOptions, 'settings'> {
  /** Host and port. */
  readonly address: string
  readonly clock: Clock
  readonly security: Security
}

/**
 * The connections over TLS to one endpoint. When a certificate, an authority or the wanted identity changes, calls go over new ones from
 * there on; over the old ones ends what is under way.
 */
export class SecuredLines {
  readonly #options: SecuredLinesOptions
  readonly #stopListening: () => void
  readonly #retired = new Set<Lines>()
  readonly #cuts = new Set<Timer>()
  #current: { readonly identity: string; readonly lines: Lines } | undefined

  constructor(options: SecuredLinesOptions) {
    this.#options = options
    this.#stopListening = options.security.onRenewed(this.#renewed)
  }

  for(attempt: Attempt, identity: string): Line {
    if (this.#current?.identity !== identity) {
      this.#retire()
      this.#current = { identity, lines: this.#open(identity) }
    }
    return this.#current.lines.for(attempt)
  }

  async close(): Promise<void> {
    this.#stopListening()
    this.#retire()
    await Promise.all([...this.#retired].map((lines) => lines.close()))
    for (const timer of this.#cuts) timer.cancel()
  }

  #open(identity: string): Lines {
    const { address, clock, security, settings } = this.#options
    const { secrets, maxConnectionAgeMs } = security
    const connect = connectorWithin(settings.connectTimeoutMs, clock, { secrets: secrets!, identity })
    return new Lines({ settings, connect, origin: `https://${address}`, secured: { maxConnectionAgeMs } })
  }

  #renewed = (cutAfterMs: number | undefined): void => {
    this.#retire()
    if (cutAfterMs === undefined || this.#retired.size === 0) return
    // What is retired by now, not what is when the time is over.
    const old = [...this.#retired]
    const timer = this.#options.clock.after(cutAfterMs, () => {
      this.#cuts.delete(timer)
      for (const lines of old) lines.cut(distrusted(this.#options.address))
    })
    this.#cuts.add(timer)
  }

  #retire(): void {
    const lines = this.#current?.lines
    this.#current = undefined
    if (lines === undefined) return
    this.#retired.add(lines)
    const gone = (): void => void this.#retired.delete(lines)
    lines.close().then(gone, gone)
  }
}
