import { exponential, uniform } from '../engine/distributions.js'
import type { Disturbance } from '../engine/scenario.js'

const CHANGE_EVERY_MS = 700

/**
 * What other tenants of its machine leave a server of the cores it was allotted: 6 % of the servers always get 0.68 of
 * them, 6 % 0.85, and the others between 0.95 and 3.4, another share about every 0.7 s.
 */
export const antagonists: Disturbance = ({ agenda, servers }, random) => {
  const gap = exponential(CHANGE_EVERY_MS)
  const leftOver = uniform(0.95, 3.4)
  const squeezed = Math.round(0.06 * servers.length)
  servers.forEach((server, i) => {
    const allotted = server.cores
    const give = (share: number): void => server.change(() => (server.cores = allotted * share))
    if (i < squeezed) return give(0.68)
    if (i < 2 * squeezed) return give(0.85)
    const change = (): void => {
      give(leftOver(random))
      agenda.runAt(agenda.nowMs + gap(random), change)
    }
    change()
  })
}
