import { readFileSync } from 'node:fs'
import { readCredentials, type Credentials, type CredentialTexts } from './auth/credentials.js'
import type { Clock, Timer } from './base/clock.js'
import { MeshError } from './base/errors.js'
import { fileContents } from './discovery/file-contents.js'
import type { TlsSettings } from './tls-options.js'

/** Many times what certificates take. */
const MAX_BYTES = 1024 * 1024

/** Three files cannot be replaced at one moment; so long they may contradict each other before it is told. */
const SETTLE_MS = 2_000

const FILES = ['cert', 'key', 'ca'] as const

export interface CredentialListener {
  renewed(now: Credentials, before: Credentials): void
  /** The files are of no use as they are, and the last good ones serve on. Told once for each reason. */
  failed(error: MeshError): void
}

/**
 * The credentials that three files hold, which are read again whenever they change, be they written in place or replaced by renaming.
 * Throws `MESH_ERR_OPTION` when they are not good at the start; later the last good ones stay.
 */
export class CredentialFiles {
  current: Credentials
  readonly #settings: TlsSettings
  readonly #clock: Clock
  readonly #listener: CredentialListener
  readonly #texts: Record<keyof CredentialTexts, string | Error>
  readonly #watch = new AbortController()
  #settling: Timer | undefined
  #problem: string | undefined
  #told: string | undefined

  constructor(settings: TlsSettings, clock: Clock, listener: CredentialListener) {
    this.#settings = settings
    this.#clock = clock
    this.#listener = listener
    try {
      this.#texts = { cert: readFileSync(settings.cert, 'utf8'), key: readFileSync(settings.key, 'utf8'), ca: readFileSync(settings.ca, 'utf8') }
      this.current = this.#read()
    } catch (cause) {
      throw new MeshError('MESH_ERR_OPTION', `tls.${(cause as Error).message}`, { cause })
    }
    for (const file of FILES) void this.#follow(file)
  }

  close(): void {
    this.#watch.abort()
    this.#settling?.cancel()
  }

  async #follow(file: keyof CredentialTexts): Promise<void> {
    for await (const content of fileContents(this.#settings[file], MAX_BYTES, this.#clock, this.#watch.signal)) {
      if (content === this.#texts[file]) continue
      this.#texts[file] = content
      this.#take()
    }
  }

  #take(): void {
    const before = this.current
    try {
      this.current = this.#read()
    } catch (cause) {
      this.#settling ??= this.#clock.after(SETTLE_MS, () => this.#tell())
      return void (this.#problem = (cause as Error).message)
    }
    this.#settling?.cancel()
    this.#settling = this.#problem = this.#told = undefined
    this.#listener.renewed(this.current, before)
  }

  #tell(): void {
    this.#settling = undefined
    if (this.#problem === this.#told) return
    this.#told = this.#problem
    this.#listener.failed(new MeshError('MESH_ERR_TLS', `The files of tls are of no use as they are, and the last good ones serve on: ${this.#problem}`))
  }

  #read(): Credentials {
    const { trustDomain, minVersion } = this.#settings
    const text = (file: keyof CredentialTexts): string => {
      const content = this.#texts[file]
      if (content instanceof Error) throw new Error(`${file}: ${content.message}`)
      return content
    }
    const texts = { cert: text('cert'), key: text('key'), ca: text('ca') }
    return readCredentials(texts, { trustDomain, minVersion, epochMs: this.#clock.epochMs() })
  }
}
