import { fork } from 'node:child_process'
import { once } from 'node:events'
import { entriesOf, onePercentChanged } from './entries.js'
import { spreadOf, type Spread } from './statistics.js'
import { createToldMesh } from './told-mesh.js'

/** Milliseconds from a registry's word to the picture that calls are balanced by. */
export interface Applying {
  /** The first word in the life of a process: nothing is compiled yet. */
  readonly coldProcess: Spread
  /** The first word about a service, in a process that has long been at work. */
  readonly newService: Spread
  readonly identical: Spread
  /** Every entry is another object that says the same. */
  readonly toldAnew: Spread
  readonly onePercent: Spread
  /** One in a hundred has gone, and comes back. */
  readonly comeAndGo: Spread
}

export async function measureApplying(count: number, rounds: number): Promise<Applying> {
  const coldProcess: number[] = []
  for (let i = 0; i < rounds; i++) {
    const child = fork(new URL('./first-word.ts', import.meta.url), [`${count}`], { execArgv: ['--import', 'tsx'] })
    const [ms] = (await once(child, 'message')) as [number]
    coldProcess.push(ms)
    await once(child, 'exit')
  }
  const newService: number[] = []
  for (let i = -5; i < rounds; i++) {
    const { mesh, tell } = createToldMesh()
    const ms = await tell(entriesOf(count))
    await mesh.close()
    if (i >= 0) newService.push(ms)
  }
  const { mesh, tell } = createToldMesh()
  const entries = entriesOf(count)
  await tell(entries)
  const identical: number[] = []
  const toldAnew: number[] = []
  const onePercent: number[] = []
  const comeAndGo: number[] = []
  for (let i = -3; i < rounds; i++) {
    const again = [await tell(entries), await tell(entriesOf(count))] as const
    await tell(entries)
    const changed = await tell(onePercentChanged(entries, 2 + (i & 1)))
    const fewer = await tell(entries.filter((_, at) => at % 100 !== 1))
    const back = await tell(entries)
    if (i < 0) continue
    identical.push(again[0])
    toldAnew.push(again[1])
    onePercent.push(changed)
    comeAndGo.push(fewer, back)
  }
  await mesh.close()
  return {
    coldProcess: spreadOf(coldProcess),
    newService: spreadOf(newService),
    identical: spreadOf(identical),
    toldAnew: spreadOf(toldAnew),
    onePercent: spreadOf(onePercent),
    comeAndGo: spreadOf(comeAndGo),
  }
}
