import type { Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import type { Random } from '../base/random.js'
import { discoverEndpoint, fetchJson, type IssuerAccess } from './discovery.js'
import { readKeySet, type KeySet, type VerificationKey } from './key-set.js'
import { Refresh } from './refresh.js'
import type { JsonWebKey } from './json-web-key.js'

/** The public keys of an issuer. */
export interface Keys {
  /**
   * The key with this id, at once when a recent set holds it; undefined when the issuer has none. Rejects with
   * `MESH_ERR_KEYS` while no set could be had at all.
   */
  find(kid: string): VerificationKey | undefined | Promise<VerificationKey | undefined>
}

export interface KeysOptions {
  /** How old a set may be before a token waits for a new one: so long may a withdrawn key go on working. */
  readonly refreshMs: number
  /** Least time between two fetches once there is a set, however many unknown ids are asked for. */
  readonly cooldownMs: number
}

export const keysDefaults: KeysOptions = Object.freeze({ refreshMs: 300_000, cooldownMs: 30_000 })

export interface IssuerKeysOptions extends IssuerAccess {
  /** Undefined: the one that the issuer's discovery document names. */
  readonly jwksUrl: string | undefined
  /** A token to show at `jwksUrl`, and nowhere that only a document names. */
  readonly bearer?: (() => Promise<string>) | undefined
  readonly clock: Clock
  readonly random: Random
}

/** The keys that an issuer publishes. They are fetched when first asked for and kept while the issuer cannot be reached. */
export function createIssuerKeys(access: IssuerKeysOptions, options: Partial<KeysOptions> = {}): Keys {
  const load = async (known: KeySet | undefined): Promise<KeySet> => {
    const { jwksUrl, bearer } = access
    if (jwksUrl === undefined) return readKeySet(await fetchJson(access, await discoverEndpoint(access, 'jwks_uri')), known)
    return readKeySet(await fetchJson(access, jwksUrl, await bearer?.()), known)
  }
  return new KeyHolder(access, { ...keysDefaults, ...options }, load)
}

/** Keys that are known beforehand. */
export function createFixedKeys(
  jwks: { readonly keys: readonly JsonWebKey[] },
  sources: { readonly clock: Clock; readonly random: Random },
): Keys {
  return new KeyHolder(sources, { refreshMs: Infinity, cooldownMs: Infinity }, () => readKeySet(jwks))
}

class KeyHolder implements Keys {
  readonly #clock: Clock
  readonly #options: KeysOptions
  readonly #refresh: Refresh<void>
  #set: KeySet | undefined
  #loadedAt = -Infinity
  #triedAt = -Infinity

  constructor(
    sources: { readonly clock: Clock; readonly random: Random },
    options: KeysOptions,
    load: (known: KeySet | undefined) => Promise<KeySet>,
  ) {
    this.#clock = sources.clock
    this.#options = options
    this.#refresh = new Refresh(async () => {
      this.#triedAt = this.#clock.now()
      this.#set = await load(this.#set)
      this.#loadedAt = this.#triedAt
    }, sources)
  }

  find(kid: string): VerificationKey | undefined | Promise<VerificationKey | undefined> {
    if (this.#set === undefined) return this.#firstLoad(kid)
    const key = this.#set.get(kid)
    const now = this.#clock.now()
    const mayFetch = now - this.#triedAt >= this.#options.cooldownMs
    const ageMs = now - this.#loadedAt
    if (key !== undefined && ageMs < this.#options.refreshMs) {
      // A little ahead of its time, so that under steady traffic nobody waits.
      if (mayFetch && ageMs >= this.#options.refreshMs * 0.8) this.#refresh.runInBackground()
      return key
    }
    return mayFetch ? this.#reload(kid) : key
  }

  async #firstLoad(kid: string): Promise<VerificationKey | undefined> {
    try {
      await this.#refresh.run()
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new MeshError('MESH_ERR_KEYS', `The issuer's keys could not be loaded: ${reason}`, { cause })
    }
    return this.#set!.get(kid)
  }

  async #reload(kid: string): Promise<VerificationKey | undefined> {
    try {
      await this.#refresh.run()
    } catch {
      // The last good set goes on serving; asking again is left to the next one after the cooldown.
    }
    return this.#set!.get(kid)
  }
}
