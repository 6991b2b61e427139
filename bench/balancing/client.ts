import { arrivalsOf, type Plan } from './arrivals.js'
import { answerTasks } from './helper.js'
import { playLoad, type Outcome } from './load.js'
import type { Address, OpenRule, Surroundings } from './rule.js'
import { rules } from './rules.js'

/** All callers live in this process; each knows only what it has seen itself. */
let open: OpenRule | undefined

answerTasks({
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
