import type { Command } from './command.js'

/** A command that is loaded when it is wanted. */
export interface CommandEntry {
  readonly name: string
  readonly summary: string
  load(): Promise<Command>
}

/** Every command, in the order in which the help tells of them. */
export const commands: readonly CommandEntry[] = [
  { name: 'dev', summary: 'start the control plane: registry, identity and monitoring', load: async () => (await import('./dev.js')).devCommand },
  { name: 'stat', summary: 'how each service does: rate, success, latency', load: async () => (await import('./stat.js')).statCommand },
  { name: 'edges', summary: 'who calls whom, and how well', load: async () => (await import('./edges.js')).edgesCommand },
  { name: 'top', summary: 'services and edges, live', load: async () => (await import('./top.js')).topCommand },
  { name: 'tap', summary: 'attempts and requests as they happen', load: async () => (await import('./tap.js')).tapCommand },
  { name: 'explain', summary: 'why calls to a service go where they go', load: async () => (await import('./explain.js')).explainCommand },
  { name: 'traces', summary: 'the newest traces, or one of them as a waterfall', load: async () => (await import('./traces.js')).tracesCommand },
  { name: 'denials', summary: 'who was refused, by whom, and why', load: async () => (await import('./denials.js')).denialsCommand },
  { name: 'token', summary: 'get a token from the issuer, or have one explained', load: async () => (await import('./token.js')).tokenCommand },
]
