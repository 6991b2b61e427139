import { fields, text, wholeNumber } from '../base/validate.js'
import type { DoubtOptions } from './doubt.js'

/** How the registry's word is kept and doubted; the same for every registry. */
export interface DiscoveryOptions {
  /** Folder for the last good snapshot of each service, so that a start without the registry serves. Default: none. */
  readonly cacheDir?: string | undefined
  /** How long a service keeps its endpoints after the registry has said that it has none. Default 30 000 ms. */
  readonly emptyConfirmMs?: number | undefined
  /** How long the vanished endpoints are kept when more than half of a service vanished at once. Default 10 000 ms. */
  readonly shrinkConfirmMs?: number | undefined
  /** After so long without a word a watch is thought dead, and the registry is asked anew. Default 60 000 ms. */
  readonly relistMs?: number | undefined
  /** How long a service is still followed after its last call, if `services` does not name it. Default 600 000 ms. */
  readonly idleMs?: number | undefined
}

/** {@link DiscoveryOptions} with every default in its place. */
export interface DiscoverySettings extends DoubtOptions {
  readonly cacheDir: string | undefined
  readonly relistMs: number
  readonly idleMs: number
}

export const discoveryDefaults = Object.freeze({ emptyConfirmMs: 30_000, shrinkConfirmMs: 10_000, relistMs: 60_000, idleMs: 600_000 })

export const readDiscovery = fields<DiscoveryOptions>({
  cacheDir: text,
  emptyConfirmMs: wholeNumber(0),
  shrinkConfirmMs: wholeNumber(0),
  relistMs: wholeNumber(100),
  idleMs: wholeNumber(100),
})

export function discoverySettings(given: DiscoveryOptions): DiscoverySettings {
  return {
    cacheDir: given.cacheDir,
    emptyConfirmMs: given.emptyConfirmMs ?? discoveryDefaults.emptyConfirmMs,
    shrinkConfirmMs: given.shrinkConfirmMs ?? discoveryDefaults.shrinkConfirmMs,
    relistMs: given.relistMs ?? discoveryDefaults.relistMs,
    idleMs: given.idleMs ?? discoveryDefaults.idleMs,
  }
}
