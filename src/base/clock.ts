/** A timer that can be stopped; stopping it twice is harmless. */
export interface Timer {
  cancel(): void
}

/** Where all time comes from, so that a test can bring its own. */
export interface Clock {
  /** Monotonic milliseconds with a fraction; only differences mean anything. */
  now(): number
  /** Milliseconds since the Unix epoch, for stamps and for the times in tokens. */
  epochMs(): number
  /** Runs `task` once, in the background: the timer does not keep the process alive. */
  after(delayMs: number, task: () => void): Timer
  /** Runs `task` once, for somebody who waits: the timer keeps the process alive until it fires or is stopped. */
  afterHolding(delayMs: number, task: () => void): Timer
}

/** Milliseconds since the Unix epoch of a date such as `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7); NaN when it is none. */
export function epochMsOf(httpDate: string): number {
  return Date.parse(httpDate)
}

// setTimeout fires at once for anything above 2^31 - 1.
const MAX_DELAY_MS = 0x7fffffff

function start(delayMs: number, task: () => void): NodeJS.Timeout {
  return setTimeout(task, Math.min(Math.max(delayMs, 0), MAX_DELAY_MS))
}

function cancellable(timeout: NodeJS.Timeout): Timer {
  return { cancel: () => clearTimeout(timeout) }
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => performance.now(),
  epochMs: () => Date.now(),
  after: (delayMs, task) => cancellable(start(delayMs, task).unref()),
  afterHolding: (delayMs, task) => cancellable(start(delayMs, task)),
}
