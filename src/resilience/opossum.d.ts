/** The part of opossum that the breaker uses; the package brings no types of its own. */
declare module 'opossum' {
  import type { EventEmitter } from 'node:events'

  interface CircuitOptions {
    name: string
    timeout: false
    errorThresholdPercentage: number
    volumeThreshold: number
    resetTimeout: number
    rollingCountTimeout: number
    rollingCountBuckets: number
    rollingPercentilesEnabled: boolean
    enableSnapshots: boolean
    rotateBucketController: EventEmitter
  }

  export default class CircuitBreaker<Args extends unknown[]> {
    constructor(action: (...args: Args) => Promise<unknown>, options: CircuitOptions)
    readonly opened: boolean
    readonly halfOpen: boolean
    readonly status: { readonly window: readonly { readonly latencyTimes: number[] }[] }
    fire(...args: Args): Promise<unknown>
    on(event: 'open' | 'halfOpen' | 'close', listener: () => void): this
    shutdown(): void
  }
}
