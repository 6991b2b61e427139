import { cpus } from 'node:os'
import { createControlPlane, type ControlPlane } from 'sidecarless/testing'
import { Fleet } from './fleet.js'
import { Helper } from './helper.js'
import type { Outcome } from './load.js'
import type { Issuer, Surroundings } from './rule.js'
import { rules } from './rules.js'
import { scenarios } from './scenarios.js'

const SERVERS = 6
const CALLERS = 4
const SLOTS = 4
// Long beside what a busy machine adds to it.
const MEAN_WORK_MS = 30
/** A request that takes longer has failed. */
const TIMEOUT_MS = 2_000

export interface Play {
  readonly scenario: string
  readonly rule: string
  /** The same seed brings the same requests at the same times. */
  readonly seed: number
  /** What goes before does not count. */
  readonly warmupMs: number
  /** The time that counts, before the scenario stretches it. */
  readonly durationMs: number
}

export interface Played extends Outcome {
  /** Share of the time in which the machine's cores were busy, with whatever, 0–1. */
  readonly machineRatio: number
}

/** Everything that plays need: servers, a process with the callers, and whoever vouches for them. Close it, or they stay. */
export class Stage {
  readonly #client = new Helper(new URL('./client.ts', import.meta.url))
  readonly #servers = Array.from({ length: SERVERS }, () => new Helper(new URL('./server.ts', import.meta.url)))
  #plane: ControlPlane | undefined
  #fleet: Fleet | undefined
  #issuer: Issuer | undefined
  #closing: Promise<void> | undefined

  get pids(): readonly number[] {
    return [this.#client, ...this.#servers].map(({ pid }) => pid)
  }

  async open(): Promise<void> {
    this.#plane = await createControlPlane({ port: 0, clients: { bench: 'secret' } })
    this.#issuer = { url: this.#plane.url, clientSecret: 'secret' }
    this.#fleet = await Fleet.open(this.#servers, this.#issuer)
    await this.#client.ask('guard', this.#servers.map(({ pid }) => pid))
  }

  async play({ scenario: name, rule: ruleName, seed, warmupMs, durationMs: plannedMs }: Play): Promise<Played> {
    const [rule, scenario, fleet, client] = [rules[ruleName]!, scenarios[name]!, this.#fleet!, this.#client]
    const { callers = CALLERS } = scenario
    const durationMs = plannedMs * (scenario.stretch ?? 1)
    await fleet.become(scenario.speeds, SLOTS, rule, async (listed) => void (await client.ask('list', listed)))
    const surroundings: Surroundings = { servers: fleet.addresses, callers, timeoutMs: TIMEOUT_MS, issuer: this.#issuer! }
    await client.ask('open', { rule: ruleName, surroundings })

    const capacityPerSec = (scenario.speeds.reduce((sum, speed) => sum + speed, 0) * SLOTS * 1000) / MEAN_WORK_MS
    const plan = { ratePerSec: scenario.load * capacityPerSec, meanWorkMs: MEAN_WORK_MS, callers, durationMs: warmupMs + durationMs, seed }
    const before = cpuTimes()
    const outcome = client.ask('play', { plan, warmupMs, timeoutMs: TIMEOUT_MS }) as Promise<Outcome>
    const accidents = scenario.accidents.map(async ({ at, happen }) => {
      await new Promise((resolve) => setTimeout(resolve, warmupMs + at * durationMs))
      await happen(fleet, durationMs)
    })
    const [played] = await Promise.all([outcome, ...accidents])
    const machineRatio = busyRatio(before, cpuTimes())
    await client.ask('close')
    return { ...played, machineRatio }
  }

  /** Ends every process. Harmless when repeated. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close())
  }

  async #close(): Promise<void> {
    // A server may be stopped, and would not hear of anything gentler; the client has processes of its own to end.
    await Promise.all([...this.#servers.map((server) => server.kill()), this.#client.dismiss()])
    await this.#plane?.close()
  }
}

interface CpuTimes {
  readonly idle: number
  readonly total: number
}

function cpuTimes(): CpuTimes {
  const times = cpus().map((cpu) => cpu.times)
  const total = times.reduce((sum, { user, nice, sys, idle, irq }) => sum + user + nice + sys + idle + irq, 0)
  return { idle: times.reduce((sum, { idle }) => sum + idle, 0), total }
}

function busyRatio(before: CpuTimes, after: CpuTimes): number {
  return 1 - (after.idle - before.idle) / Math.max(1, after.total - before.total)
}
