/** Why an attempt goes where it goes: what was known at the moment when its endpoint was picked. */
export interface PickReasons extends PickParts {
  /** Among how many endpoints it was chosen. */
  readonly candidates: number
  /** How many known endpoints were not among them: ejected, draining, full, tried before, or of another level. */
  readonly excluded: number
  /** Attempts under way there, without this one. */
  readonly inFlight: number
}

/** What the algorithm went by; each is there only where it knows such a thing. */
export interface PickParts {
  /** What one more request costs there, in milliseconds; the least is picked. */
  readonly costMs?: number
  readonly latencyMs?: number
  /** Whether `latencyMs` is the age of its oldest unanswered attempt. */
  readonly stalled?: boolean
  /** Recent share of successes, 0–1. */
  readonly successRatio?: number
  /** Share of its due while it is new, 0–1. */
  readonly ramp?: number
  readonly weight?: number
  /** Above 1: it says that it has more to do than usual; below 1: less. */
  readonly report?: number
}
