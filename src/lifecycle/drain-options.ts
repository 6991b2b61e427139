import { callable, fields, optionError, wholeNumber } from '../base/validate.js'

export interface DrainOptions {
  /**
   * How long the instance goes on serving after it has left the registry, until callers have heard of it. Default 5000,
   * or what the registry needs if that is more, but at most half of `drainTimeoutMs`; 0 for a process that
   * nobody calls. Clients that keep idle connections for longer than this may lose what they send at the very end.
   */
  readonly drainDelayMs?: number | undefined
  /**
   * Time for everything, from the first step to the end of the last request; what is not done then is cut. Default 28000,
   * which fits into the 30 s of Kubernetes, and at least 10000 more than `drainDelayMs`.
   */
  readonly drainTimeoutMs?: number | undefined
}

export interface SignalOptions extends DrainOptions {
  /** What is left to do when the last request has ended, such as closing a database; it is given at least a second. */
  readonly drained?: (() => unknown) | undefined
}

/** `drainDelayMs` is longer than the mesh's clients keep an idle connection, so that none is closed under a request. */
export const drainDefaults = Object.freeze({ drainDelayMs: 5_000, drainTimeoutMs: 28_000, finishMs: 10_000 })

export interface DrainSettings {
  readonly drainDelayMs: number
  readonly drainTimeoutMs: number
}

const times = { drainDelayMs: wholeNumber(0), drainTimeoutMs: wholeNumber(1) }
const readTimes = fields<DrainOptions>(times)
const readAll = fields<SignalOptions>({ ...times, drained: callable('a function to call when everything is drained') })

/** Checks what was given to `handleSignals`: when the signal comes it is too late for an error. */
export function readSignalOptions(value: unknown): SignalOptions {
  const options = readAll(value, '')
  drainSettings(options, 0)
  return options
}

/** Reads what was given to `drain`; `neededMs` is how long callers may take to hear of it. */
export function readDrain(value: unknown, neededMs: number): DrainSettings {
  return drainSettings(readTimes(value, ''), neededMs)
}

function drainSettings(given: DrainOptions, neededMs: number): DrainSettings {
  const { drainDelayMs = Math.min(neededMs, (given.drainTimeoutMs ?? Infinity) / 2) } = given
  const { drainTimeoutMs = Math.max(drainDefaults.drainTimeoutMs, drainDelayMs + drainDefaults.finishMs) } = given
  if (drainTimeoutMs < drainDelayMs) throw optionError('drainTimeoutMs', `at least drainDelayMs of ${drainDelayMs}`, drainTimeoutMs)
  return { drainDelayMs, drainTimeoutMs }
}
