import { setTimeout as pauseFor } from 'node:timers/promises'
import { seededRandom } from '../src/base/random.js'
import { readArguments, usage } from './soak/arguments.js'
import type { Condition } from './soak/condition.js'
import { Crew } from './soak/crew.js'
import { playFault } from './soak/faults.js'
import { areFlat, MAX_RSS_SLOPE, trendOf, WARM_MIN, type Sample, type Trend } from './soak/verdict.js'

/**
 * What hours of calls and faults leave behind in a process: memory, handles, and errors that nobody has caught. A caller and one instance
 * that outlives all faults are watched.
 */
const INSTANCES = 3
/** Short enough that what a fault holds up has an end before the next one. */
const PATIENCE = { timeoutMs: 3_000, attemptTimeoutMs: 1_000 }
/** So many samples at least, and one a minute if it lasts longer. */
const SAMPLES = 24

if (process.argv.includes('--help')) {
  process.stdout.write(usage)
  process.exit()
}
const options = readArguments(process.argv.slice(2))
const lastsMs = options.minutes * 60_000
const sampleMs = Math.min(60_000, lastsMs / SAMPLES)
const say = (text: string): void => {
  if (!options.json) console.log(text)
}

const crew = await Crew.start({ instances: INSTANCES, patience: options.faults ? PATIENCE : {}, ...options })
const random = seededRandom(options.seed)
const startedAt = performance.now()
const atMin = (): number => (performance.now() - startedAt) / 60_000
const over = new AbortController()
const pause = (ms: number): Promise<void> => pauseFor(ms, undefined, { signal: over.signal }).catch(() => {})

const faults: Record<string, number> = {}
const playing = (async () => {
  while (options.faults && !over.signal.aborted) {
    await pause(2_000 + 6_000 * random())
    if (over.signal.aborted) return
    const name = await playFault(crew, random, pause)
    faults[name] = (faults[name] ?? 0) + 1
  }
})()

const samples: Record<'caller' | 'instance', Sample[]> = { caller: [], instance: [] }
const unhandled: Record<'caller' | 'instance', readonly string[]> = { caller: [], instance: [] }
function keep(name: 'caller' | 'instance', { unhandled: uncaught, ...condition }: Condition): void {
  samples[name].push({ atMin: atMin(), ...condition })
  unhandled[name] = uncaught
}

say(`Node ${process.version}, ${options.perSec} calls a second for ${options.minutes} min, seed ${options.seed}; caller, and in brackets an instance`)
say('   min   RSS MiB         heap MiB        handles, descriptors    unhandled   calls    failed')
while (performance.now() - startedAt < lastsMs) {
  await pauseFor(Math.min(sampleMs, lastsMs - (performance.now() - startedAt)))
  const [caller, instance] = await Promise.all([crew.callerReport(), crew.instanceReport()])
  keep('caller', caller.condition)
  keep('instance', instance.condition)
  const both = (value: (condition: Condition) => string): string => `${value(caller.condition)} (${value(instance.condition)})`.padEnd(16)
  const columns = [both(({ rssMiB }) => rssMiB.toFixed(1)), both(({ heapMiB }) => heapMiB.toFixed(2)), both(({ handles, descriptors }) => `${handles}, ${descriptors}`).padEnd(24), both((condition) => `${condition.unhandled.length}`)]
  say(`${atMin().toFixed(1).padStart(6)}   ${columns.join('')}${caller.calls.begun}   ${JSON.stringify(caller.calls.failed)}`)
}
over.abort()
await playing
const { calls, condition, endedByItself } = await crew.stop()
unhandled.caller = condition.unhandled
await crew.close()

const trends: Record<'caller' | 'instance', Trend> = { caller: trendOf(samples.caller), instance: trendOf(samples.instance) }
const failures = Object.values(calls.failed).reduce((sum, count) => sum + count, 0)
const isLong = options.minutes >= 2 * WARM_MIN
const wrong = [
  ...crew.lost,
  ...(endedByItself ? [] : ['the caller did not end by itself once its mesh was closed']),
  ...(calls.ok + failures === calls.begun ? [] : [`${calls.begun - calls.ok - failures} calls had no end`]),
  ...(['caller', 'instance'] as const).flatMap((name) => [
    ...unhandled[name].map((text) => `nobody caught in the ${name}: ${text}`),
    ...(['handles', 'descriptors'] as const).flatMap((what) => (areFlat(trends[name][what]) ? [] : [`${what} of the ${name} grow: ${trends[name][what].join(' → ')}`])),
    ...(isLong && trends[name].rssSlope > MAX_RSS_SLOPE ? [`RSS of the ${name} grows by ${trends[name].rssSlope.toFixed(2)} MiB/h`] : []),
  ]),
]
if (options.json) console.log(JSON.stringify({ minutes: options.minutes, calls, faults, trends, samples, unhandled, wrong }))
for (const [name, { rssSlope, handles, descriptors, heapMiB }] of Object.entries(trends)) {
  const slope = isLong ? `${rssSlope.toFixed(2)} MiB/h after ${WARM_MIN} min` : `not judged within ${2 * WARM_MIN} min`
  say(`${name}: RSS slope ${slope}; least handles ${handles.join(' → ')}, descriptors ${descriptors.join(' → ')}, heap ${heapMiB.map((mib) => mib.toFixed(2)).join(' → ')} MiB (middle → last third)`)
}
say(`${calls.begun} calls, ${((100 * calls.ok) / calls.begun).toFixed(3)} % answered with 200; faults: ${JSON.stringify(faults)}`)
say(wrong.length === 0 ? 'nothing is wrong' : `wrong:\n${wrong.join('\n')}`)
process.exitCode = wrong.length === 0 ? 0 : 1
