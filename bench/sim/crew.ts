import { fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import type { Comparison, ComparisonTask } from './comparison.js'

/** Plays scenarios on all cores. Each is a world of its own, so neither their order nor the number of cores changes a figure. */
export async function compareAll(
  tasks: readonly ComparisonTask[],
  onDone: (done: number) => void,
): Promise<readonly Comparison[]> {
  const results: Comparison[] = []
  let next = 0
  let done = 0
  const work = async (): Promise<void> => {
    const worker = fork(new URL('./worker.ts', import.meta.url))
    const died = once(worker, 'exit').then(([code, signal]) => Promise.reject(new Error(`A worker died with ${code ?? signal}`)))
    try {
      while (next < tasks.length) {
        const place = next++
        worker.send(tasks[place]!)
        const [result] = (await Promise.race([once(worker, 'message'), died])) as [Comparison]
        results[place] = result
        onDone(++done)
      }
    } finally {
      died.catch(() => {})
      worker.kill()
    }
  }
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), tasks.length) }, work))
  return results
}
