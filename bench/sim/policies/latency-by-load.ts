const REMEMBERED = 9

/**
 * A server's estimate of what a request would take if it came now: the median of recent latencies, of those that met
 * about as many others as there are at present (Prequal's latency signal).
 */
export class LatencyByLoad {
  readonly #byLoad: Recent[] = []

  observe(inFlight: number, latencyMs: number): void {
    ;(this.#byLoad[inFlight] ??= new Recent()).add(latencyMs)
  }

  /** 0 while nothing has been observed at all. */
  estimateMs(inFlight: number): number {
    const furthest = Math.max(inFlight, this.#byLoad.length - inFlight)
    for (let distance = 0; distance <= furthest; distance++) {
      const recent = this.#byLoad[inFlight - distance] ?? this.#byLoad[inFlight + distance]
      if (recent !== undefined) return recent.median
    }
    return 0
  }
}

/** The latest latencies at one load. */
class Recent {
  readonly #latencies: number[] = []
  #next = 0
  #median: number | undefined

  add(latencyMs: number): void {
    this.#latencies[this.#next] = latencyMs
    this.#next = (this.#next + 1) % REMEMBERED
    this.#median = undefined
  }

  get median(): number {
    return (this.#median ??= Float64Array.from(this.#latencies).sort()[this.#latencies.length >> 1]!)
  }
}
