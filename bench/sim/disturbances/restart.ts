import type { Server } from '../engine/server.js'
import type { World } from '../engine/simulation.js'
import type { Disturbance } from '../engine/scenario.js'

const DRAIN_POLL_MS = 10
const RAMP_STEPS = 80

export interface RestartOptions {
  readonly downMs: number
  /** Speed at first, relative to what it was; it grows to 1 within `rampMs`. */
  readonly coldSpeed: number
  readonly rampMs: number
}

/** Each server in turn leaves the list, finishes what it has, is down for a while, and comes back cold, as a new instance. */
export function rollingRestart(firstAtMs: number, everyMs: number, options: RestartOptions): Disturbance {
  return (world) => {
    const { agenda, servers } = world
    servers.forEach((server, i) => agenda.runAt(firstAtMs + i * everyMs, () => restart(world, server, options)))
  }
}

/** Every now and then some server's address is taken away and another one comes in its place. */
export function churn(everyMs: number, options: RestartOptions): Disturbance {
  return (world, random) => {
    const { agenda, servers } = world
    const next = (): void => {
      agenda.runAt(agenda.nowMs + everyMs, () => {
        restart(world, servers[Math.floor(random() * servers.length)]!, options)
        next()
      })
    }
    next()
  }
}

/** Now and then a server dies with all that is in it; discovery notices later, and later still it comes back cold. */
export function crashes(everyMs: number, noticedAfterMs: number, options: RestartOptions): Disturbance {
  return (world, random) => {
    const { agenda, servers } = world
    const next = (): void => {
      agenda.runAt(agenda.nowMs - everyMs * Math.log(1 - random()), () => {
        const server = servers[Math.floor(random() * servers.length)]!
        if (!server.down && !server.restarting) {
          server.restarting = true
          world.crash(server)
          agenda.runAt(agenda.nowMs + noticedAfterMs, () => {
            world.unlist(server)
            comeBack(world, server, options)
          })
        }
        next()
      })
    }
    next()
  }
}

function restart(world: World, server: Server, options: RestartOptions): void {
  if (server.restarting) return
  server.restarting = true
  world.unlist(server)
  const drain = (): void => {
    if (server.assigned > 0) return void world.agenda.runAt(world.agenda.nowMs + DRAIN_POLL_MS, drain)
    comeBack(world, server, options)
  }
  drain()
}

function comeBack(world: World, server: Server, { downMs, coldSpeed, rampMs }: RestartOptions): void {
  const { agenda } = world
  const warmSpeed = server.speed
  server.down = true
  agenda.runAt(agenda.nowMs + downMs, () => {
    const upAtMs = agenda.nowMs
    server.down = false
    server.restarting = false
    server.generation++
    server.speed = warmSpeed * coldSpeed
    world.list(server)
    if (coldSpeed === 1) return
    const generation = server.generation
    const warmUp = (): void => {
      if (server.generation !== generation) return
      const warmth = Math.min(1, (agenda.nowMs - upAtMs) / rampMs)
      server.speed = warmSpeed * (coldSpeed + (1 - coldSpeed) * warmth)
      if (warmth < 1) agenda.runAt(agenda.nowMs + rampMs / RAMP_STEPS, warmUp)
    }
    agenda.runAt(agenda.nowMs + rampMs / RAMP_STEPS, warmUp)
  })
}
