/** The part of opossum that the breaker uses; the package brings no types of its own. */
declare module 'opossum' {
  import { EventEmitter } from 'node:events'

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

  interface Bucket {
    readonly fires: number
    readonly successes: number
    readonly failures: number
    readonly rejects: number
    readonly fallbacks: number
    readonly latencyTimes: number[]
  }

  interface Status {
    readonly stats: Bucket
    /** A copy of the list of buckets, the newest first. */
    readonly window: readonly Bucket[]
  }

  export default class CircuitBreaker extends EventEmitter {
    constructor(action: () => Promise<unknown>, options: CircuitOptions)
    readonly options: CircuitOptions
    readonly name: string
    readonly group: string
    readonly enabled: boolean
    readonly opened: boolean
    readonly closed: boolean
    readonly halfOpen: boolean
    get status(): Status
    get stats(): Bucket
    fire(): Promise<unknown>
    open(): void
    close(): void
    enable(): void
    disable(): void
    shutdown(): void
    toJSON(): object
  }
}
