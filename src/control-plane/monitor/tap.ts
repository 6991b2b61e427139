import type { Clock, Timer } from '../../base/clock.js'
import type { Tapped } from '../../call/tapped.js'

export interface TapFilter {
  readonly service: string | null
  readonly caller: string | null
  readonly failedOnly: boolean
}

/** Writes to one who watches; false when it takes no more for now. */
export type Write = (text: string) => boolean

const MAX_PER_SEC = 100
const MAX_WATCHERS = 20

interface Watcher {
  readonly filter: TapFilter
  readonly write: Write
  written: number
  dropped: number
  second: Timer | undefined
}

/** Shows spans as they arrive to those who watch: a hundred a second at most, and then how many there were besides. */
export class Tap {
  readonly #clock: Clock
  readonly #watchers = new Set<Watcher>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Whether there is anybody to show anything to. */
  get isWatched(): boolean {
    return this.#watchers.size > 0
  }

  /** Whether there is room for one more. */
  get isOpen(): boolean {
    return this.#watchers.size < MAX_WATCHERS
  }

  /** Begins to write server-sent events; the function that comes back ends it. */
  watch(filter: TapFilter, write: Write): () => void {
    const watcher: Watcher = { filter, write, written: 0, dropped: 0, second: undefined }
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
      watcher.second?.cancel()
    }
  }

  show(tapped: Tapped): void {
    let text: string | undefined
    for (const watcher of this.#watchers) {
      if (!matches(tapped, watcher.filter)) continue
      watcher.second ??= this.#clock.after(1_000, () => endSecond(watcher))
      const takes = watcher.written < MAX_PER_SEC && watcher.write((text ??= `data: ${JSON.stringify(tapped)}\n\n`))
      if (takes) watcher.written++
      else watcher.dropped++
    }
  }
}

function endSecond(watcher: Watcher): void {
  const { dropped } = watcher
  watcher.second = undefined
  watcher.written = watcher.dropped = 0
  if (dropped > 0) watcher.write(`event: dropped\ndata: ${JSON.stringify({ count: dropped })}\n\n`)
}

function matches({ callee, caller, error }: Tapped, filter: TapFilter): boolean {
  if (filter.service !== null && filter.service !== callee) return false
  if (filter.caller !== null && filter.caller !== caller) return false
  return !filter.failedOnly || error !== null
}
