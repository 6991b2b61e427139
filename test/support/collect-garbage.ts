import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Frees what nobody holds any more, buffers too. */
export async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 2; i++) {
    gc()
    await nextTurn()
  }
}
