import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.js'
import type { Snapshot } from '../call/snapshot.js'
import { readSnapshot } from './snapshot-reader.js'

/** After this an address may well belong to somebody else. */
const MAX_AGE_MS = 24 * 3_600_000
const MAX_BYTES = 16 * 1024 * 1024

/** A picture that never changes must not grow old while the registry stands by it. */
const REFRESH_MS = 3_600_000

/** Least time from one writing to the next, for services that change all the time. */
const WRITE_GAP_MS = 500

/** The last good snapshot of one service on disk, for a start without its registry. */
export class SnapshotCache {
  readonly #directory: string
  readonly #path: string
  readonly #service: string
  readonly #clock: Clock
  #latest: Snapshot | undefined
  #writing: Promise<void> | undefined
  #writtenAt = -Infinity

  /** `registry` and `service` are names, and make the name of the file. */
  constructor(directory: string, registry: string, service: string, clock: Clock) {
    this.#directory = directory
    this.#path = join(directory, `${encodeURIComponent(registry)}-${service}.json`)
    this.#service = service
    this.#clock = clock
  }

  /** What was kept; undefined when there is nothing, or it is older than a day. Rejects when the file is not what was written. */
  async read(): Promise<Snapshot | undefined> {
    let text: string
    try {
      const { mtimeMs, size } = await stat(this.#path)
      if (this.#clock.epochMs() - mtimeMs > MAX_AGE_MS || size > MAX_BYTES) return undefined
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    const { service, ...snapshot } = JSON.parse(text) as Snapshot
    if (service !== this.#service) throw new Error(`${this.#path} is about '${service}' and not about '${this.#service}'`)
    return readSnapshot(snapshot, this.#service)
  }

  /** Whether it is time to write even what has not changed. */
  get isAging(): boolean {
    return this.#clock.now() - this.#writtenAt >= REFRESH_MS
  }

  /** Keeps a snapshot. While one is being written only the newest of those that follow is written next. */
  write(snapshot: Snapshot): Promise<void> {
    this.#latest = snapshot
    return (this.#writing ??= this.#writeLatest().finally(() => (this.#writing = undefined)))
  }

  async #writeLatest(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 })
    while (this.#latest !== undefined) {
      const { service, revision, endpoints, policy } = this.#latest
      this.#latest = undefined
      this.#writtenAt = this.#clock.now()
      const temporary = `${this.#path}.${randomUUID()}.tmp`
      try {
        // Beside and then in its place: a reader, or the next start, never sees half a file.
        await writeFile(temporary, JSON.stringify({ service, revision, endpoints, policy }), { mode: 0o600 })
        await rename(temporary, this.#path)
      } catch (error) {
        await rm(temporary, { force: true })
        throw error
      }
      await new Promise<void>((resolve) => this.#clock.after(WRITE_GAP_MS, resolve))
    }
  }
}
