/** What a result is told apart by: its status, or the code of what came in its place, or both. */
export type ResultKey = number | string

export function resultKey(status: number | undefined, error: string | undefined): ResultKey {
  if (error === undefined) return status ?? ''
  return status === undefined ? error : `${status} ${error}`
}

/** More than this is not remembered: what is in use then is looked up the long way. */
const MOST = 1_000

/**
 * Series by what they are looked up by on the way of a call: a name, a method and a result, so that no key is put together and
 * nothing allocated for one that was seen before.
 */
export class SeriesCache<S> {
  readonly #names = new Map<string | undefined, Map<string, Map<ResultKey, S>>>()
  #size = 0

  find(name: string | undefined, method: string, result: ResultKey): S | undefined {
    return this.#names.get(name)?.get(method)?.get(result)
  }

  keep(name: string | undefined, method: string, result: ResultKey, series: S): void {
    if (this.#size >= MOST) return
    this.#size++
    const methods = this.#names.get(name) ?? new Map<string, Map<ResultKey, S>>()
    const results = methods.get(method) ?? new Map<ResultKey, S>()
    this.#names.set(name, methods.set(method, results.set(result, series)))
  }
}
