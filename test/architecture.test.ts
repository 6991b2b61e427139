import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../src')

interface Source {
  readonly path: string
  readonly text: string
  readonly lines: number
  /** Paths below `src/` for own files, package names for others. */
  readonly imports: readonly string[]
}

const sources: readonly Source[] = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    const specifiers = [...text.matchAll(/^(?:import|export)\s+(?:[\w\s{},*$]+?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]\s*\)/gm)].map((m) => (m[1] ?? m[2])!)
    const imports = specifiers.map((specifier) =>
      specifier.startsWith('.') ? sourceOf(relative(root, resolve(root, dirname(path), specifier))) : specifier,
    )
    return { path, text, lines: text.split('\n').length - 1, imports }
  })

function sourceOf(path: string): string {
  return path.replace(/\.js$/, existsSync(join(root, path.replace(/\.js$/, '.tsx'))) ? '.tsx' : '.ts')
}

const isSource = (target: string): boolean => /\.tsx?$/.test(target)

const DOORS = ['index.ts', 'express.ts', 'fastify.ts', 'web.ts', 'otel.ts', 'testing.ts', 'cli.ts', 'registry/dns.ts', 'registry/etcd.ts', 'registry/kubernetes.ts']
const ROOMS = ['discovery', 'balancer', 'auth', 'telemetry', 'resilience', 'transport']

/** Higher may import lower; rooms may not import each other. */
function floorOf(path: string): { level: number; room: string } {
  const folder = path.includes('/') ? path.split('/')[0]! : ''
  if (folder === 'base') return { level: 0, room: 'base' }
  if (folder === 'call') return { level: 1, room: 'call' }
  if (ROOMS.includes(folder)) return { level: 2, room: folder }
  if (DOORS.includes(path) || folder === 'cli') return { level: 4, room: 'doors' }
  return { level: 3, room: 'stacks' }
}

const DEPENDENCY_DOORS: Readonly<Record<string, RegExp>> = {
  undici: /^(?:transport\/|dispatcher\/|base\/http\.ts$)/,
  jose: /^auth\//,
  opossum: /^resilience\/circuit\.ts$/,
  '@opentelemetry/api': /^telemetry\//,
  // Bundled with the control plane.
  pbf: /^control-plane\/monitor\/protobuf\.ts$/,
  // Packages that only who starts an SDK by us has to have.
  ...Object.fromEntries(
    ['context-async-hooks', 'core', 'exporter-metrics-otlp-http', 'exporter-trace-otlp-http', 'resources', 'sdk-metrics', 'sdk-trace-base'].map(
      (name) => [`@opentelemetry/${name}`, /^telemetry\/sdk-packages\.ts$/],
    ),
  ),
  // Types alone, for the augmentation of its request.
  fastify: /^fastify\.ts$/,
  // The page, which the build makes one document of: none of these is there at run time.
  preact: /^control-plane\/dashboard\//,
  'preact/hooks': /^control-plane\/dashboard\//,
  uplot: /^control-plane\/dashboard\/service\/chart\.tsx$/,
}

describe('architecture', () => {
  it('has sources to judge', () => {
    expect(sources.length).toBeGreaterThan(30)
    expect(sources.filter(({ path }) => DOORS.includes(path)).map(({ path }) => path).sort()).toEqual([...DOORS].sort())
  })

  it('lets imports point down only, and never from room to room', () => {
    const wrong = sources.flatMap(({ path, imports }) => {
      const from = floorOf(path)
      return imports
        .filter((target) => isSource(target))
        .map((target) => ({ target, to: floorOf(target) }))
        .filter(({ to }) => to.level > from.level || (to.level === from.level && to.room !== from.room))
        .map(({ target }) => `${path} → ${target}`)
    })
    expect(wrong).toEqual([])
  })

  it('has one door per dependency, and no dependency beside the four', () => {
    const wrong = sources.flatMap(({ path, imports }) =>
      imports
        .filter((target) => !isSource(target) && !target.startsWith('node:'))
        .filter((target) => !DEPENDENCY_DOORS[target]?.test(path))
        .map((target) => `${path} → ${target}`),
    )
    expect(wrong).toEqual([])
  })

  it('loads the built-in fetch before undici, wherever undici is run', () => {
    const runs = sources.filter(({ text }) => /^import (?!type).*from 'undici'/m.test(text))
    expect(runs.length).toBeGreaterThan(1)
    const wrong = runs.filter(({ imports }) => !(imports.indexOf('base/builtin-fetch.ts') >= 0 && imports.indexOf('base/builtin-fetch.ts') < imports.indexOf('undici')))
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  it('has no circle of imports, types included', () => {
    const edges = new Map(sources.map(({ path, imports }) => [path, imports.filter((target) => isSource(target))]))
    const finished = new Set<string>()
    const circles: string[] = []
    const visit = (path: string, way: readonly string[]): void => {
      if (way.includes(path)) return void circles.push([...way.slice(way.indexOf(path)), path].join(' → '))
      if (finished.has(path)) return
      for (const target of edges.get(path) ?? []) visit(target, [...way, path])
      finished.add(path)
    }
    for (const path of edges.keys()) visit(path, [])
    expect(circles).toEqual([])
  })

  it('combines abort signals nowhere on the way of a call: each costs some 20 µs, and a timer that stays', () => {
    // A registry's watch lives for minutes; there it is the plainest thing.
    const onTheWay = sources.filter(({ path }) => !path.startsWith('discovery/'))
    expect(onTheWay.filter(({ text }) => /\bAbortSignal\s*\.\s*(?:any|timeout)\b/.test(text)).map(({ path }) => path)).toEqual([])
    expect(sources.filter(({ text }) => /\bAbortSignal\s*\.\s*timeout\b/.test(text)).map(({ path }) => path)).toEqual([])
  })

  it('has no file over 250 lines', () => {
    expect(sources.filter(({ lines }) => lines > 250).map(({ path, lines }) => `${path}: ${lines}`)).toEqual([])
  })

  it('keeps the command line to itself: one file a command, short ones, and no other door goes through it', () => {
    const ofCommands = sources.filter(({ path }) => path.startsWith('cli/'))
    expect(ofCommands.length).toBeGreaterThan(20)
    expect(ofCommands.filter(({ lines }) => lines > 150).map(({ path, lines }) => `${path}: ${lines}`)).toEqual([])
    const strangers = sources.filter(({ path, imports }) => path !== 'cli.ts' && !path.startsWith('cli/') && imports.some((target) => target.startsWith('cli/')))
    expect(strangers.map(({ path }) => path)).toEqual([])
    // What it prints goes through a terminal that knows about pipes and colours.
    expect(ofCommands.filter(({ path, text }) => path !== 'cli/dev.ts' && /\bprocess\.std(?:out|err)\b/.test(text)).map(({ path }) => path)).toEqual([])
  })

  it('reads clocks, timers and randomness in their own files only', () => {
    const raw = /\b(?:Date\.now|new Date|Math\.random|performance\.now|setTimeout|setInterval|setImmediate)\b/
    const wrong = sources.filter(({ path }) => !['base/clock.ts', 'base/random.ts'].includes(path) && !path.includes('dashboard/'))
    expect(wrong.filter(({ text }) => raw.test(text)).map(({ path }) => path)).toEqual([])
  })
})
