import type { Tapped } from '../call/tapped.js'
import { readWhole } from './arguments.js'
import { command, type World } from './command.js'
import { untilInterrupted } from './interrupt.js'
import type { Query, Source } from './source.js'
import { adminOption, urlOptions, withAdmin, withControlPlane } from './source-options.js'
import { TapLines } from './tap-lines.js'
import { UsageError } from './usage-error.js'

export const tapCommand = command({
  usage: ['tap [options]'],
  about: `Shows attempts and requests as they happen: an attempt as its caller saw it (→), a request as its callee answered it (⇒).
No header values and no bodies are ever among it. Ctrl-C ends it.`,
  options: {
    service: { type: 'string', value: '<service>', about: 'only what goes to this service' },
    from: { type: 'string', value: '<service>', about: 'only what this service asks for' },
    failed: { type: 'boolean', about: 'only what failed' },
    kind: { type: 'string', value: '<attempt|request>', about: "only attempts, or only requests; a meshed call shows as one of each" },
    limit: { type: 'string', short: 'n', value: '<number>', about: 'end after so many' },
    ratio: { type: 'string', value: '<0-1>', about: 'with --admin: this share of them' },
    ...urlOptions,
    ...adminOption,
    json: { type: 'boolean', about: 'print one JSON document a line' },
  },
  examples: [
    ['tap', 'everything'],
    ['tap --from orders --service users --failed', 'what goes wrong between the two'],
    ["tap --json | jq -r 'select(.durationMs > 100) | .traceId'", 'traces of what is slow, for sidecarless traces <id>'],
    ['tap --admin http://127.0.0.1:7118 --ratio 0.1', 'a tenth of what one process does'],
  ],
  async run({ service, from, failed, kind, limit, ratio, url, json, admin }, _, world) {
    if (kind !== undefined && kind !== 'attempt' && kind !== 'request') throw new UsageError(`--kind: expected attempt or request, got '${kind}'`)
    const wanted = { kind, from, failed, most: limit === undefined ? Infinity : readWhole(limit, '--limit', [1, 1_000_000]) }
    const print = json ? (event: Tapped) => JSON.stringify(event) : new TapLines(world.out).lineOf
    if (admin === undefined) {
      if (ratio !== undefined) throw new UsageError('--ratio is for --admin; a control plane tells everything, up to 100 a second')
      const query = { service, caller: from, failed: failed ? 'true' : undefined }
      return withControlPlane(url, world, (source) => follow(source, '/api/tap', query, wanted, print, world))
    }
    if (ratio !== undefined && !/^(?:0?\.\d+|0|1|1\.0+|0\.\d+)$/.test(ratio)) throw new UsageError(`--ratio: expected a number from 0 to 1, got '${ratio}'`)
    await withAdmin(admin, world, (source) => follow(source, '/tap', { service, ratio }, wanted, print, world))
  },
})

interface Wanted {
  readonly kind: string | undefined
  readonly from: string | undefined
  readonly failed: boolean | undefined
  readonly most: number
}

async function follow(source: Source, path: string, query: Query, wanted: Wanted, print: (event: Tapped) => string, { out, err }: World): Promise<void> {
  let shown = 0
  await untilInterrupted(async (signal) => {
    if (out.isTerminal) err.write(err.style.dim(`Listening to ${source.url}; Ctrl-C ends it\n`))
    for await (const { name, data } of source.follow(path, query, signal)) {
      if (name === 'dropped') err.write(err.style.dim(`… ${droppedIn(data)} left out: too many at once\n`))
      if (name !== 'message' || !isEvent(data) || !isWanted(data, wanted)) continue
      out.write(`${print(data)}\n`)
      if (++shown >= wanted.most) return
    }
    if (!signal.aborted) throw source.ended()
  })
}

function isEvent(data: unknown): data is Tapped {
  return typeof data === 'object' && data !== null && typeof (data as Partial<Tapped>).callee === 'string'
}

/** What the source was not asked to sift, or does not know how to. */
function isWanted(event: Tapped, { kind, from, failed }: Wanted): boolean {
  const isFailure = event.error != null || (event.status ?? 0) >= 500
  return (kind === undefined || event.kind === kind) && (from === undefined || event.caller === from) && (failed !== true || isFailure)
}

function droppedIn(data: unknown): string {
  const count = typeof data === 'object' && data !== null ? Object.values(data).find((value) => typeof value === 'number') : data
  return typeof count === 'number' ? String(count) : 'some'
}
