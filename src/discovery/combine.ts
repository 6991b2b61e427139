import { systemClock, type Clock, type Timer } from '../base/clock.js'
import { systemRandom, type Random } from '../base/random.js'
import { callable, fields, listOf, oneOf, optionError, wholeNumber } from '../base/validate.js'
import type { Snapshot } from '../call/snapshot.js'
import { Bell } from './bell.js'
import { discoveryDefaults } from './discovery-options.js'
import { followForever } from './follow.js'
import { LastWords, type CombineMode } from './last-words.js'
import type { RawSnapshot, Registry } from './registry.js'

export interface CombineOptions {
  /**
   * `'union'`: the endpoints of all of them side by side. `'fallback'`: those of the first one that has any.
   * Default `'union'`.
   */
  readonly mode?: CombineMode | undefined
  /**
   * How long the first picture waits, once one registry has spoken, for those that have neither spoken nor failed; after
   * that nobody is waited for. Default 1000.
   */
  readonly settleMs?: number | undefined
}

export const combineDefaults = Object.freeze({ mode: 'union', settleMs: 1_000 })

const readRegistries = listOf(callable<Registry>('a registry, such as consul()', 'watch'))
const readOptions = fields<CombineOptions>({ mode: oneOf('union', 'fallback'), settleMs: wholeNumber(0, 60_000) })

/**
 * Several registries as one, the most trusted first: `combine([consul(), file('legacy.json')])`. What each said last counts
 * until it says something else: one that fails is tried again by itself, its failures are told, and its last word stays, so
 * that a registry which is down is not taken for a service that is gone. An address that two of them name is one endpoint,
 * as the earlier one describes it. Instances register in the first. Throws `MESH_ERR_OPTION`.
 */
export function combine(
  registries: readonly Registry[],
  options: CombineOptions = {},
  clock: Clock = systemClock,
  random: Random = systemRandom,
): Registry {
  const members = withOwnNames(readRegistries(registries, 'combine.registries'))
  const first = registries[0]
  if (first === undefined) throw optionError('combine.registries', 'at least one registry', registries)
  const given = readOptions(options, 'combine')
  const mode = given.mode ?? combineDefaults.mode
  const settleMs = given.settleMs ?? combineDefaults.settleMs

  // A watch that begins anew must not forget the word of a registry that is down.
  const lastWords = new Map<string, LastWords>()

  async function* watch(service: string, signal: AbortSignal): AsyncGenerator<RawSnapshot | Error> {
    const words = new LastWords([...members.keys()], mode, lastWords.get(service))
    lastWords.set(service, words)
    const news = new Bell()
    let settling: Timer | undefined
    const settle = (): void => {
      words.settle()
      news.ring()
    }
    const hear = (name: string, told: Snapshot | Error): void => {
      words.hear(name, told)
      if (!(told instanceof Error)) settling ??= clock.after(settleMs, settle)
      news.ring()
    }

    const leaving = new AbortController()
    const ends = AbortSignal.any([signal, leaving.signal])
    const { relistMs } = discoveryDefaults
    const following = [...members].map(([name, registry]) =>
      followForever(
        { registry, service, clock, random, signal: ends, relistMs },
        { told: (snapshot) => hear(name, snapshot), failed: (error) => hear(name, error) },
      ),
    )
    try {
      for (let revision = 1; !signal.aborted; ) {
        const error = words.takeError()
        const picture = error === undefined ? words.takePicture() : undefined
        if (error !== undefined) yield error
        else if (picture !== undefined) yield { revision: revision++, ...picture }
        else await news.rung(signal)
      }
    } finally {
      leaving.abort()
      settling?.cancel()
      await Promise.all(following)
    }
  }

  return {
    name: [...members.keys()].join('+'),
    ...(first.propagationMs !== undefined && { propagationMs: first.propagationMs }),
    authoritative: registries.every(({ authoritative }) => authoritative === true),
    watch: (service, { signal }) => watch(service, signal),
    register: (instance, context) => first.register(instance, context),
  }
}

/** Two files are `file` and `file-2`. */
function withOwnNames(registries: readonly Registry[]): ReadonlyMap<string, Registry> {
  const named = new Map<string, Registry>()
  for (const registry of registries) {
    let name = registry.name
    for (let n = 2; named.has(name); n++) name = `${registry.name}-${n}`
    named.set(name, registry)
  }
  return named
}
