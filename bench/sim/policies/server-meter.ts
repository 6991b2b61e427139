import type { Agenda } from '../engine/agenda.js'
import type { Server } from '../engine/server.js'

const WINDOW_MS = 1000

/** What a server reports of itself the ORCA way: requests and core use per second, of the last whole second. */
export class ServerMeter {
  perSec = 0
  /** Core time used, as a share of what the server was allotted; above 1 when it borrows. */
  utilization = 0
  #completed = 0
  #busyMs = 0

  constructor(server: Server, agenda: Agenda) {
    const allotted = server.cores
    const read = (): void => {
      this.perSec = ((server.completed - this.#completed) * 1000) / WINDOW_MS
      this.utilization = (server.busyMs - this.#busyMs) / (WINDOW_MS * allotted)
      this.#completed = server.completed
      this.#busyMs = server.busyMs
      agenda.runAt(agenda.nowMs + WINDOW_MS, read)
    }
    agenda.runAt(WINDOW_MS, read)
  }
}

const meters = new WeakMap<readonly Server[], readonly ServerMeter[]>()

/** The meters of one simulation's servers; all its clients read the same ones. */
export function metersOf(servers: readonly Server[], agenda: Agenda): readonly ServerMeter[] {
  const known = meters.get(servers)
  if (known !== undefined) return known
  const made = servers.map((server) => new ServerMeter(server, agenda))
  meters.set(servers, made)
  return made
}
