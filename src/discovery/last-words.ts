import type { Snapshot } from '../call/snapshot.js'
import { fallbackOf, hasEndpoints, unionOf, type CombinedPicture, type LastWord } from './combined-picture.js'

export type CombineMode = 'union' | 'fallback'

interface Voice {
  lastWord: LastWord | undefined
  /** Not passed on yet. */
  error: Error | undefined
  hasSpokenOrFailed: boolean
}

/** What several registries said last about one service, and what of it one watch has still to pass on. */
export class LastWords {
  readonly #mode: CombineMode
  readonly #voices: ReadonlyMap<string, Voice>
  #hasNews = false
  #isSettled = false

  /** `names` are distinct, and in the order in which they are believed; `before` is what an earlier watch has heard. */
  constructor(names: readonly string[], mode: CombineMode, before?: LastWords) {
    this.#mode = mode
    const silent = (name: string): Voice => ({ lastWord: before?.of(name), error: undefined, hasSpokenOrFailed: false })
    this.#voices = new Map(names.map((name) => [name, silent(name)]))
  }

  of(registry: string): LastWord | undefined {
    return this.#voices.get(registry)?.lastWord
  }

  hear(registry: string, told: Snapshot | Error): void {
    const voice = this.#voices.get(registry)!
    voice.hasSpokenOrFailed = true
    if (told instanceof Error) {
      // When errors come faster than they are taken, the newest says what matters.
      voice.error = told
    } else {
      voice.lastWord = { registry, snapshot: told }
      this.#hasNews = true
    }
  }

  /** From now on nobody is waited for. */
  settle(): void {
    this.#isSettled = true
  }

  takeError(): Error | undefined {
    for (const voice of this.#voices.values()) {
      const { error } = voice
      voice.error = undefined
      if (error !== undefined) return error
    }
    return undefined
  }

  /** The picture, if anybody has spoken since it was taken, and everybody that matters at the beginning has been heard. */
  takePicture(): CombinedPicture | undefined {
    if (!this.#hasNews) return undefined
    this.#isSettled ||= this.#awaited().every(({ hasSpokenOrFailed }) => hasSpokenOrFailed)
    if (!this.#isSettled) return undefined
    this.#hasNews = false
    const words = [...this.#voices.values()].flatMap(({ lastWord }) => lastWord ?? [])
    return this.#mode === 'union' ? unionOf(words) : fallbackOf(words)
  }

  /** Those that may change the first picture: where one stands in for another, only the ones before it. */
  #awaited(): readonly Voice[] {
    const voices = [...this.#voices.values()]
    const decisive = voices.findIndex(({ lastWord }) => lastWord !== undefined && hasEndpoints(lastWord))
    return this.#mode === 'fallback' && decisive >= 0 ? voices.slice(0, decisive) : voices
  }
}
