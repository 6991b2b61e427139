import { readFile } from 'node:fs/promises'
import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { readHeldJwt, type HeldJwt } from './held-jwt.js'
import { earlyMs } from './renewed-tokens.js'

export interface TokenFileOptions {
  readonly path: string
  /** The one audience that its token must have. */
  readonly audience: string
  readonly clock: Clock
  /** Tells what is wrong with the file while the last good token goes on serving. */
  readonly tell: (error: Error) => void
}

/** Reading it costs some 50 µs and is done for a call, so that an idle process reads nothing. */
const REREAD_MS = 1_000
const MAX_BYTES = 16 * 1024

/**
 * A file in which somebody else keeps a fresh token: Kubernetes that of a service account, an agent of SPIFFE its JWT-SVID.
 * A call looks at it again after a second, behind its own back while the token at hand is good. A file that is missing,
 * empty, half-written, expired or for another audience changes nothing and is told once.
 */
export class TokenFile {
  readonly #options: TokenFileOptions
  #held: (HeldJwt & { readonly staleAt: number }) | undefined
  #readAt = -Infinity
  #reading: Promise<void> | undefined
  #problem: Error | undefined

  constructor(options: TokenFileOptions) {
    this.#options = options
  }

  /** The token, at once when a good one is at hand. Rejects with `MESH_ERR_IDENTITY`. */
  token(): string | Promise<string> {
    const { clock } = this.#options
    const good = this.#good()
    if (clock.now() - this.#readAt < REREAD_MS && this.#reading === undefined) return good ?? Promise.reject(this.#missing())
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined))
    return good ?? this.#reading.then(() => this.#good() ?? Promise.reject(this.#missing()))
  }

  /** By the clock of the epoch, since that is what the file speaks of. */
  #good(): string | undefined {
    return this.#held !== undefined && this.#options.clock.epochMs() < this.#held.staleAt ? this.#held.token : undefined
  }

  /** Never rejects. */
  async #read(): Promise<void> {
    const { path, clock } = this.#options
    this.#readAt = clock.now()
    try {
      const content = await readFile(path)
      if (content.length > MAX_BYTES) throw new Error(`it is over ${MAX_BYTES} bytes`)
      this.#take(content.toString('utf8').trim())
      this.#problem = undefined
    } catch (cause) {
      const problem = new MeshError('MESH_ERR_IDENTITY', `The token file ${path} is of no use: ${(cause as Error).message}`, { cause })
      const isNews = this.#problem?.message !== problem.message
      this.#problem = problem
      if (isNews) this.#options.tell(problem)
    }
  }

  #take(content: string): void {
    if (content === '') throw new Error('it is empty')
    if (content === this.#held?.token) return
    const { audience, clock } = this.#options
    const jwt = readHeldJwt(content)
    // One audience: whoever is shown the token could show it to every other.
    if (jwt.audiences.length !== 1 || jwt.audiences[0] !== audience) throw new Error(`its token is not for '${audience}' alone`)
    const staleAt = jwt.expiresAt - earlyMs(jwt.lifetimeMs ?? jwt.expiresAt - clock.epochMs())
    if (clock.epochMs() >= staleAt) throw new Error('its token has expired, or will within half a minute')
    this.#held = { ...jwt, staleAt }
  }

  #missing(): Error {
    return this.#problem ?? new MeshError('MESH_ERR_IDENTITY', `The token in ${this.#options.path} has expired`)
  }
}
