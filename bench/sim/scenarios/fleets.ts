import type { ServerShape } from '../engine/server.js'

/** Servers that take requests first come, first served: one entry of `slots` and `speed` after the other, over and over. */
export function queueing(count: number, slots: readonly number[], speeds: readonly number[] = [1]): readonly ServerShape[] {
  return Array.from({ length: count }, (_, i) => ({
    discipline: 'queue',
    cores: slots[i % slots.length]!,
    speed: speeds[i % speeds.length]!,
  }))
}

/** Servers that work on everything at once, each with that many cores. */
export function sharing(count: number, cores: number): readonly ServerShape[] {
  return Array.from({ length: count }, () => ({ discipline: 'sharing', cores }))
}

/** What they can do per second, of requests with that mean work. */
export function capacityPerSec(servers: readonly ServerShape[], meanWorkMs: number): number {
  return servers.reduce((sum, { cores, speed = 1 }) => sum + (cores * speed * 1000) / meanWorkMs, 0)
}
