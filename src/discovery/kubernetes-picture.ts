import type { MeshError } from '../base/errors.js'
import { Bell } from './bell.js'
import type { WatchEvent } from './kubernetes-event.js'
import { mergeSlices } from './kubernetes-merge.js'
import { readSlice, type Slice } from './kubernetes-slice.js'
import type { RawSnapshot } from './registry.js'

/**
 * The slices of one service as they stand, and what of them nobody has been told yet: however fast they change, one
 * snapshot is enough. A malformed slice is told as an error, and what was last known under its name stays.
 */
export class SlicePicture {
  readonly #port: string | number | undefined
  readonly #changed = new Bell()
  #slices = new Map<string, Slice>()
  #malformed: MeshError[] = []
  #revision = 0
  #hasNews = false

  constructor(port: string | number | undefined) {
    this.#port = port
  }

  /** These objects and no others are the slices. */
  replace(objects: readonly unknown[]): void {
    const known = this.#slices
    this.#slices = new Map()
    for (const object of objects) this.#put(object, known)
    this.#revision++
    this.confirm()
  }

  apply(event: WatchEvent & { readonly object: unknown }): void {
    if (event.type === 'DELETED') this.#slices.delete(event.name)
    else this.#put(event.object, this.#slices)
    this.#revision++
    this.confirm()
  }

  /** It still stands so: the registry has just been heard. */
  confirm(): void {
    this.#hasNews = true
    this.#changed.ring()
  }

  /** Waits for something to tell, or until `signal` aborts. */
  async news(signal: AbortSignal): Promise<void> {
    while (!this.#hasNews && !signal.aborted) await this.#changed.rung(signal)
  }

  /** What there is to tell; errors last, so that they are not taken for settled by the snapshot. */
  tell(): readonly (RawSnapshot | Error)[] {
    const malformed = this.#malformed
    this.#malformed = []
    this.#hasNews = false
    return [{ revision: this.#revision, endpoints: mergeSlices(this.#slices.values()) }, ...malformed]
  }

  #put(object: unknown, known: ReadonlyMap<string, Slice>): void {
    try {
      const slice = readSlice(object, this.#port)
      this.#slices.set(slice.name, slice)
    } catch (error) {
      this.#malformed.push(error as MeshError)
      const name = (object as { metadata?: { name?: unknown } | null } | null)?.metadata?.name
      const last = known.get(String(name))
      if (last !== undefined) this.#slices.set(last.name, last)
    }
  }
}
