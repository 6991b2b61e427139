import { Bell } from '../../../src/discovery/bell.js'
import type { RawSnapshot, Registration, Registry } from '../../../src/discovery/registry.js'

type Step = { readonly tell: unknown } | { readonly fail: Error } | { readonly end: true }

/** A registry that says and does exactly what a test tells it to. */
export class ScriptedRegistry implements Registry {
  readonly name = 'scripted'
  /** How many watches were begun. */
  watches = 0
  /** How many watches are running. */
  running = 0
  readonly #steps: Step[] = []
  readonly #news = new Bell()

  /** What `register` does; replaced by tests. */
  onRegister: (signal: AbortSignal) => Promise<Registration> = () => Promise.reject(new Error('not scripted'))

  /** What a watch meets before anything is told; replaced by tests. */
  onWatch: () => Promise<void> = () => Promise.resolve()

  tell(...snapshots: unknown[]): void {
    this.#push(...snapshots.map((tell) => ({ tell })))
  }

  fail(error: Error): void {
    this.#push({ fail: error })
  }

  end(): void {
    this.#push({ end: true })
  }

  async *watch(_service: string, { signal }: { readonly signal: AbortSignal }): AsyncGenerator<RawSnapshot | Error> {
    this.watches++
    this.running++
    try {
      await this.onWatch()
      while (!signal.aborted) {
        const step = this.#steps.shift()
        if (step === undefined) await this.#news.rung(signal)
        else if ('tell' in step) yield step.tell as RawSnapshot
        else if ('fail' in step) throw step.fail
        else return
      }
    } finally {
      this.running--
    }
  }

  register(_instance: unknown, { signal }: { readonly signal: AbortSignal }): Promise<Registration> {
    return this.onRegister(signal)
  }

  #push(...steps: Step[]): void {
    this.#steps.push(...steps)
    this.#news.ring()
  }
}
