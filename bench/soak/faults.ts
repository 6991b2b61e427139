import type { Random } from '../../src/base/random.js'
import type { Faults } from '../../src/testing/fault-options.js'
import type { Crew } from './crew.js'

/** What can be wrong with the connections of an instance. */
const NETWORK: Readonly<Record<string, Faults>> = {
  'slow network': { latencyMs: 150, jitterMs: 100 },
  'lost packets': { stallRatio: 0.05 },
  'thin line': { bytesPerSec: 20_000 },
  'broken link': { silent: true },
  'black hole': { swallow: true },
  'connections cut before the answer': { cut: { at: 'before-headers', ratio: 0.3 } },
  'connections cut in the answer': { cut: { at: 'after-headers', ratio: 0.3 } },
  'connections ended as soon as they are there': { cut: { at: 'connected', how: 'end', ratio: 0.5 } },
  'flipped bits': { corruptRatio: 0.0001 },
  'connections refused': { refuse: true },
}

/** Plays one fault, and fulfils when it is over; gives its name. `pause` ends at once when there is to be an end. */
export async function playFault(crew: Crew, random: Random, pause: (ms: number) => Promise<void>): Promise<string> {
  const oneOf = <T>(things: readonly T[]): T => things[Math.floor(random() * things.length)]!
  // The first one lives as long as the soak, so that its memory tells something.
  const at = 1 + Math.floor(random() * (crew.members.length - 1))
  const forMs = 1_000 + 4_000 * random()
  const lot = random()
  if (lot < 0.15) {
    await crew.replace(at)
    return 'instance killed'
  }
  if (lot < 0.35) {
    const { child } = crew.members[at]!
    child.kill('SIGSTOP')
    await pause(forMs)
    child.kill('SIGCONT')
    return 'instance stopped and continued'
  }
  if (lot < 0.5) {
    await crew.restartControlPlane(pause(forMs))
    return 'registry restarted'
  }
  const name = oneOf(Object.keys(NETWORK))
  // The network may be bad for any of them.
  const { proxy } = oneOf(crew.members)
  await proxy.set(NETWORK[name]!)
  await pause(forMs)
  await proxy.heal()
  return name
}
