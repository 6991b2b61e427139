import { Bell } from '../../../src/discovery/bell.js'
import type { Selector } from './selector.js'
import type { SliceObject } from './slice.js'

/** One write. Where an object was or is selected by a watch decides what that watch is told of it. */
export interface Change {
  readonly version: number
  readonly before: SliceObject | undefined
  readonly after: SliceObject | undefined
}

export type Objects = ReadonlyMap<string, SliceObject>

/**
 * EndpointSlices with their history, as etcd keeps them: every write makes a version of the whole store, and versions
 * before a compaction can no longer be read or watched from.
 */
export class SliceStore {
  /** Rung by every change. */
  readonly changed = new Bell()
  /** Versions are one sequence for everything in the cluster, so they begin anywhere and have gaps. */
  #version = 1_000
  #compacted = 999
  #createdAtMs = Date.UTC(2026, 0, 1)
  readonly #states = new Map<number, Objects>([[1_000, new Map()]])
  readonly #changes: Change[] = []

  get version(): number {
    return this.#version
  }

  /** Creates or replaces a slice. */
  put(slice: SliceObject): void {
    const namespace = slice.metadata.namespace ?? 'default'
    const key = `${namespace}/${slice.metadata.name}`
    const before = this.at(this.#version)!.get(key)
    if (before !== undefined && before.addressType !== slice.addressType) {
      throw new Error(`${key}: addressType: field is immutable`)
    }
    const creationTimestamp = before?.metadata.creationTimestamp ?? this.#nextSecond()
    const metadata = { creationTimestamp, ...slice.metadata, namespace, resourceVersion: String(this.#version + 1) }
    this.#write(key, before, { ...slice, metadata })
  }

  delete(name: string, namespace = 'default'): void {
    const key = `${namespace}/${name}`
    const before = this.at(this.#version)!.get(key)
    if (before === undefined) throw new Error(`endpointslices.discovery.k8s.io "${name}" not found`)
    this.#write(key, before, undefined)
  }

  /** Something else in the cluster changes: only the version goes on. */
  elsewhere(): void {
    this.#write('', undefined, undefined)
  }

  /** Forgets every version before the newest; the watches that are open go on. */
  compact(): void {
    this.#compacted = this.#version - 1
    for (const version of this.#states.keys()) if (version <= this.#compacted) this.#states.delete(version)
  }

  /** The objects at a version; undefined when it is compacted or has not been yet. */
  at(version: number): Objects | undefined {
    return this.#states.get(version)
  }

  isCompacted(version: number): boolean {
    return version <= this.#compacted
  }

  since(version: number): readonly Change[] {
    return this.#changes.filter((change) => change.version > version)
  }

  /** No two slices are created in the same second. */
  #nextSecond(): string {
    this.#createdAtMs += 1_000
    return new Date(this.#createdAtMs).toISOString().replace('.000', '')
  }

  #write(key: string, before: SliceObject | undefined, after: SliceObject | undefined): void {
    const state = new Map(this.at(this.#version))
    this.#version++
    if (after !== undefined) state.set(key, after)
    else state.delete(key)
    this.#states.set(this.#version, state)
    this.#changes.push({ version: this.#version, before, after })
    this.changed.ring()
  }
}

/** What a watch with this selector is told of a change. An object that is no longer selected is as good as deleted. */
export function eventOf({ version, before, after }: Change, isSelected: (object: SliceObject) => boolean): object | undefined {
  const [was, is] = [before !== undefined && isSelected(before), after !== undefined && isSelected(after)]
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object: after }
  if (!was) return undefined
  // As it was last, but with the version of its end.
  return { type: 'DELETED', object: { ...before, metadata: { ...before!.metadata, resourceVersion: String(version) } } }
}

/** Selected slices of a namespace, in the order in which a list gives them. */
export function selected(objects: Objects, namespace: string, selector: Selector): readonly SliceObject[] {
  return [...objects]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, object]) => object)
    .filter(({ metadata }) => metadata.namespace === namespace && selector(metadata.labels ?? {}))
}
