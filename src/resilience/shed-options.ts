import { fields, flag, numberFrom, wholeNumber, type Reader } from '../base/validate.js'

/**
 * When requests are refused because this process has more to do than it can. Each limit is the one for `normal` requests:
 * `low` ones are refused before it is reached and `critical` ones after.
 */
export interface ShedOptions {
  /**
   * Requests being answered at the same time; `low` ones may be half as many, and `critical` ones a quarter more. Default 0: any
   * number, since only the application knows how many it can bear.
   */
  readonly maxInFlight?: number | undefined
  /** Requests that wait while `maxInFlight` are being answered. Default 0: what is too much is refused at once. */
  readonly maxWaiting?: number | undefined
  /** Age at which one that waits is refused. Default 100 ms. */
  readonly maxWaitMs?: number | undefined
  /**
   * How late the event loop may be, two turns in a row; `low` requests are refused at half of it, and `critical` ones at four
   * times. Default 500 ms, which no process reaches that keeps up with its work; 0: however late.
   */
  readonly maxLoopDelayMs?: number | undefined
  /**
   * How busy the event loop may be, 0–1: above it fewer and fewer `low` requests are let in, then fewer `normal` ones, and every
   * `critical` one. It alone sees those that wait in connections which Node has not accepted yet. Default 1: however busy, since
   * a process that does other work beside is busy and well.
   */
  readonly maxUtilization?: number | undefined
  /** What callers are told by `Retry-After`. Default 1 s. */
  readonly retryAfterSec?: number | undefined
  /** Believes callers how much their requests matter. Default true; false, for the open internet, takes all for `normal`. */
  readonly trustPriority?: boolean | undefined
}

export interface ShedSettings {
  readonly maxInFlight: number
  readonly maxWaiting: number
  readonly maxWaitMs: number
  readonly maxLoopDelayMs: number
  readonly maxUtilization: number
  readonly retryAfterSec: number
  readonly trustPriority: boolean
}

export const shedDefaults: ShedSettings = Object.freeze({
  maxInFlight: 0,
  maxWaiting: 0,
  maxWaitMs: 100,
  maxLoopDelayMs: 500,
  maxUtilization: 1,
  retryAfterSec: 1,
  trustPriority: true,
})

const readFields = fields<ShedOptions>({
  maxInFlight: wholeNumber(0),
  maxWaiting: wholeNumber(0),
  maxWaitMs: wholeNumber(1, 600_000),
  maxLoopDelayMs: wholeNumber(0, 600_000),
  maxUtilization: numberFrom(0.1, 1),
  retryAfterSec: wholeNumber(1, 86_400),
  trustPriority: flag,
})

/** Reads the options, or `false` for no shedding at all. */
export const readShed: Reader<ShedSettings | false> = (value, path) => {
  if (value === false) return false
  // A field that was given as undefined is absent by now.
  return { ...shedDefaults, ...(readFields(value, path) as Partial<ShedSettings>) }
}
