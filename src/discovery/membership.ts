import { backoffMs, type Backoff } from '../base/backoff.js'
import type { Clock } from '../base/clock.js'
import { isMeshError, MeshError } from '../base/errors.js'
import { pause } from '../base/pause.js'
import type { Random } from '../base/random.js'
import { settlesWithin } from '../base/settles-within.js'
import type { Events } from '../call/events.js'
import type { Instance, Registration, Registry } from './registry.js'

export interface MembershipContext {
  readonly registry: Registry
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
}

/** One instance's place in the registry, held for as long as it wants it. */
export interface Membership {
  readonly instance: Instance
  /** Fulfils when the instance stands in the registry for the first time. */
  readonly standing: Promise<void>
  /** Fulfils when nothing more will be tried; never rejects. */
  readonly ended: Promise<void>
  /** Takes the instance out, within a second; never rejects. Harmless when repeated. */
  leave(): Promise<void>
}

/**
 * A process that slept through its lease is back within a second, and five hundred that lost theirs are spread over one.
 * A registry that was down for long and has revived its leases is asked before the shortest usual one, of 10 s, runs out.
 */
const RETRY: Backoff = { baseMs: 1_000, maxMs: 5_000 }

/** After this a try is given up, so that one lost answer does not end the trying. */
const TRY_TIMEOUT_MS = 10_000

const LEAVE_TIMEOUT_MS = 1_000

/** Starts a loop that never gives up: a healthy process that silently leaves discovery is the worst a registry client can do. */
export function joinRegistry(instance: Instance, { registry, clock, random, events }: MembershipContext): Membership {
  const { service, id: instanceId } = instance
  const leaving = new AbortController()
  const givingUp = new AbortController()
  const left = new Promise<undefined>((resolve) => leaving.signal.addEventListener('abort', () => resolve(undefined)))
  let stand!: () => void
  let fall!: (error: Error) => void
  const standing = new Promise<void>((resolve, reject) => {
    stand = resolve
    fall = reject
  })
  let hasStood = false

  const tryOnce = async (): Promise<Registration> => {
    const tooLong = new AbortController()
    const reason = new Error(`${registry.name} did not answer within ${TRY_TIMEOUT_MS} ms`)
    const timer = clock.after(TRY_TIMEOUT_MS, () => tooLong.abort(reason))
    try {
      return await registry.register(instance, { signal: AbortSignal.any([tooLong.signal, givingUp.signal]) })
    } finally {
      timer.cancel()
    }
  }

  /** Registers and stays until the instance leaves or the registry has lost it, which is thrown. */
  const stay = async (onStanding: () => void): Promise<void> => {
    const registration = await tryOnce()
    if (!leaving.signal.aborted) onStanding()
    const lost = await Promise.race([left, registration.lost])
    if (lost !== undefined && !leaving.signal.aborted) throw lost
    await registration.deregister()
  }

  const run = async (): Promise<void> => {
    let failures = 0
    const onStanding = (): void => {
      failures = 0
      hasStood = true
      events.emit('registered', { service, instanceId })
      stand()
    }
    while (!leaving.signal.aborted) {
      try {
        await stay(onStanding)
      } catch (reason) {
        const error = reason instanceof Error ? reason : new Error(String(reason))
        if (!hasStood && isMeshError(error, 'MESH_ERR_OPTION')) return fall(error)
        const retryInMs = leaving.signal.aborted ? 0 : retryInMsAfter(failures++, random)
        events.emit('registryError', { service, error, retryInMs })
        await pause(clock, retryInMs, leaving.signal)
      }
    }
    fall(new MeshError('MESH_ERR_CLOSED', `'${instanceId}' was taken out before it stood in the registry`, { service }))
  }

  // Somebody waits for the first success, and nothing else may keep the process alive until then. That this hears of a
  // rejection too keeps one that nobody waits for any more from ending the process.
  const hold = clock.afterHolding(Infinity, () => {})
  standing.then(hold.cancel, hold.cancel)
  const ended = run()
  let leave: Promise<void> | undefined
  const leaveOnce = async (): Promise<void> => {
    leaving.abort()
    if (!(await settlesWithin(clock, LEAVE_TIMEOUT_MS, ended))) givingUp.abort()
  }
  return { instance, standing, ended, leave: () => (leave ??= leaveOnce()) }
}

/**
 * Full jitter while the waits grow, which spreads those that failed together. At the ceiling most of the wait is fixed: if
 * all of it were left to chance, those about to try would always be the most, and would be there the moment the registry is.
 */
function retryInMsAfter(failures: number, random: Random): number {
  const { baseMs, maxMs } = RETRY
  return baseMs * 2 ** Math.min(failures, 30) < maxMs ? backoffMs(RETRY, failures, random) : maxMs * (0.75 + random() / 4)
}
