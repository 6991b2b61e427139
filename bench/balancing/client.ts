import { arrivalsOf, type Plan } from './arrivals.js'
import { answerTasks } from './helper.js'
import { playLoad, type Outcome } from './load.js'
import type { Address, OpenRule, Surroundings } from './rule.js'
import { rules } from './rules.js'

/** All callers live in this process; each knows only what it has seen itself. */
let open: OpenRule | undefined

answerTasks({
  /** One of these servers may be stopped when everything ends, and could not end by itself. */
  guard(pids: readonly number[]) {
    process.once('exit', () => pids.forEach(wake))
  },

  async open({ rule, surroundings }: { rule: string; surroundings: Surroundings }) {
    open = await rules[rule]!.open(surroundings)
  },

  play({ plan, warmupMs, timeoutMs }: { plan: Plan; warmupMs: number; timeoutMs: number }): Promise<Outcome> {
    return playLoad({ arrivals: arrivalsOf(plan), callers: open!.callers, warmupMs, timeoutMs })
  },

  list(servers: readonly Address[]) {
    open!.list?.(servers)
  },

  async close() {
    await open?.close()
    open = undefined
  },
})

function wake(pid: number): void {
  try {
    process.kill(pid, 'SIGCONT')
  } catch {
    // It is gone, as it should be.
  }
}
