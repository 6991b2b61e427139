import { addressOf, type Endpoint } from '../call/endpoint.js'
import type { ServiceOptions } from '../call/policy.js'
import type { Snapshot } from '../call/snapshot.js'
import type { RawSnapshot } from './registry.js'

/** What one of several registries said last. */
export interface LastWord {
  /** Name that no other of them has. */
  readonly registry: string
  readonly snapshot: Snapshot
}

export type CombinedPicture = Omit<RawSnapshot, 'revision'>

/**
 * What all of them say together. An earlier one is believed more: an address that two of them name is one endpoint, as the
 * earlier one describes it, and what both say of the policy, the earlier one decides. A later endpoint whose id is taken is
 * told as `registry/id`.
 */
export function unionOf(words: readonly LastWord[]): CombinedPicture {
  const endpoints = new Map<string, Endpoint>()
  const addresses = new Set<string>()
  for (const { registry, snapshot } of words) {
    const own = snapshot.endpoints.filter((endpoint) => !addresses.has(addressOf(endpoint)))
    for (const endpoint of own) {
      let { id } = endpoint
      while (endpoints.has(id)) id = `${registry}/${id}`
      endpoints.set(id, id === endpoint.id ? endpoint : { ...endpoint, id })
      addresses.add(addressOf(endpoint))
    }
  }
  const policy = words.reduceRight<ServiceOptions>((below, { snapshot }) => overlay(below, snapshot.policy), {})
  return { endpoints: [...endpoints.values()], policy, refused: refusedBy(words) }
}

/** What the first one that has endpoints says; the first of all when none has. */
export function fallbackOf(words: readonly LastWord[]): CombinedPicture {
  const { endpoints, policy } = (words.find(hasEndpoints) ?? words[0]!).snapshot
  return { endpoints, policy, refused: refusedBy(words) }
}

export function hasEndpoints({ snapshot }: LastWord): boolean {
  return snapshot.endpoints.length > 0
}

function refusedBy(words: readonly LastWord[]): readonly string[] {
  return words.flatMap(({ registry, snapshot }) => (snapshot.refused ?? []).map((reason) => `${registry}: ${reason}`))
}

function overlay<T extends object>(below: T, above: T): T {
  const merged = { ...below } as Record<string, unknown>
  for (const [key, value] of Object.entries(above)) {
    const under = merged[key]
    if (isObject(value) && isObject(under)) merged[key] = overlay(under, value)
    else if (value !== undefined) merged[key] = value
  }
  return merged as T
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
