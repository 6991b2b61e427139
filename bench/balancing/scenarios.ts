import type { Fleet } from './fleet.js'

/** Something that happens to the servers while requests come. */
export interface Accident {
  /** When it begins: share of the time that counts, 0–1. */
  readonly at: number
  /** `durationMs` is all of the time that counts. */
  happen(fleet: Fleet, durationMs: number): Promise<void>
}

export interface Scenario {
  readonly about: string
  /** How fast each server works, 1 being as planned. */
  readonly speeds: readonly number[]
  /** Requests that come, as a share of what all servers together can do, 0–1. */
  readonly load: number
  /** How many send them, each with a balancer of its own. Default 4. */
  readonly callers?: number
  /** How many times longer than others it lasts. Default 1. */
  readonly stretch?: number
  readonly accidents: readonly Accident[]
}

const EQUAL = [1, 1, 1, 1, 1, 1]

export const scenarios: Readonly<Record<string, Scenario>> = {
  equal: { about: 'six equal servers, nothing happens', speeds: EQUAL, load: 0.75, accidents: [] },

  unequal: { about: 'six servers, the fastest four times as fast as the slowest', speeds: [2, 1.5, 1, 1, 0.75, 0.5], load: 0.65, accidents: [] },

  crowd: { about: 'the same, called by forty', speeds: EQUAL, load: 0.75, callers: 40, accidents: [] },

  unequalCrowd: { about: 'the unequal six, called by forty', speeds: [2, 1.5, 1, 1, 0.75, 0.5], load: 0.65, callers: 40, accidents: [] },

  stall: {
    about: 'one of six equal servers is stopped (SIGSTOP) for three tenths of the time',
    speeds: EQUAL,
    load: 0.6,
    accidents: [
      { at: 0.2, happen: async (fleet) => fleet.stop(0) },
      { at: 0.5, happen: async (fleet) => fleet.resume(0) },
    ],
  },

  failing: {
    about: 'one of six equal servers answers 500 at once for half of the time; its health check does not show it',
    speeds: EQUAL,
    load: 0.6,
    accidents: [
      { at: 0.2, happen: (fleet) => fleet.fail(0, true) },
      { at: 0.7, happen: (fleet) => fleet.fail(0, false) },
    ],
  },

  restart: {
    about: 'six equal servers are restarted one after the other, and are slow at first',
    speeds: EQUAL,
    load: 0.5,
    stretch: 1.5,
    accidents: EQUAL.map((_, server) => ({
      at: server / EQUAL.length,
      happen: (fleet, durationMs) => fleet.restart(server, durationMs / EQUAL.length),
    })),
  },
}
