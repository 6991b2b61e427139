import type { Flight } from './flight.js'

/** How an endpoint stands with outlier detection. */
export class Standing {
  failuresInRow = 0
  /** Since the comparison before, and half of what was counted until then. */
  successes = 0
  failures = 0
  /** How many ejections came in close succession. */
  ejections = 0
  /** When it may be tried again; 0 while it is not ejected. */
  ejectedUntilMs = 0
  /** Ejected, and used all the same: too few others are left. */
  pardoned = false
  /** It has been chosen for the one request that decides whether it comes back; then, that request. */
  probe: 'chosen' | Flight<unknown> | undefined

  get ejected(): boolean {
    return this.ejectedUntilMs > 0
  }

  count(succeeded: boolean): void {
    if (succeeded) {
      this.successes++
      this.failuresInRow = 0
    } else {
      this.failures++
      this.failuresInRow++
    }
  }

  /** What is old counts for less and less, so that little traffic makes up a picture too. */
  fade(): void {
    this.successes /= 2
    this.failures /= 2
    if (!this.ejected && this.ejections > 0) this.ejections--
  }

  eject(untilMs: number): void {
    this.ejectedUntilMs = untilMs
    this.probe = undefined
  }

  readmit(): void {
    this.ejectedUntilMs = this.successes = this.failures = this.failuresInRow = 0
    this.pardoned = false
    this.probe = undefined
  }
}
