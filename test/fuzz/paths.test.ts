import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import fc from 'fast-check'
import findMyWay from 'find-my-way'
import { describe, expect, it } from 'vitest'
import { accessPolicy } from '../../src/auth/policy.js'
import { matchesExactly, matchesLoosely, parsePathTemplate } from '../../src/auth/path-template.js'
import { rawPathOf, readRequestPath } from '../../src/auth/request-path.js'
import { peerOf } from '../support/asked.js'
import { fuzzRuns, Stopwatch } from '../support/fuzz.js'

const IN_SUITE = 300

/** Pieces of which paths are made that two routers read differently, among honest ones. */
const piece = fc.constantFrom(
  ...['/', '/', '/', '/', 'admin', 'admin', 'users', '42', 'x', 'ADMIN', 'Admin', '.', '..', ';', ';x=1', '#', '?', '?a=b', '\\', '//', ' ', '\t', '\0', '\r\n', ':id', '*', '{**}', '~', '-', '_', '!', '$', '+', '@'],
  ...['%2f', '%2F', '%5c', '%5C', '%2e', '%2E%2E', '%61', '%41dmin', '%00', '%0a', '%20', '%25', '%252f', '%25%32%66', '%', '%2', '%zz', '%c0%af', '%e0%80%af', '%ff', '%C3%A9', '%3b', '%3B', '%23', '%3f', '%u002f', '\u00e9', '\u2215', '\uff0f', 'http://users', '\ud800'],
)
const built = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''))
const long = fc.tuple(fc.array(piece, { minLength: 1, maxLength: 3 }), fc.nat(16_384)).map(([pieces, length]) => `/${pieces.join('').repeat(Math.ceil(length / pieces.join('').length))}`)
const honest = fc.array(fc.constantFrom('admin', 'users', '42', 'ADMIN', 'a%20b', '%25', 'caf%C3%A9', ''), { maxLength: 3 }).map((segments) => `/${segments.join('/')}`)
const targets = fc.oneof(
  { weight: 3, arbitrary: honest },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('/users/', '/admin/', '/Users/'), piece).map((pieces) => pieces.join('')) },
  { weight: 10, arbitrary: built.map((path) => `/${path}`) },
  { weight: 3, arbitrary: built },
  { weight: 2, arbitrary: fc.string({ unit: 'binary' }) },
  { weight: 2, arbitrary: fc.tuple(fc.string({ unit: fc.constantFrom(...'/%.;\\#?aA2fF5cCeE0') })).map(([path]) => `/${path}`) },
  { weight: 1, arbitrary: long },
)

type Where = (target: string) => string | undefined

/** Which of these routes the router of Express takes the target for, with these settings. */
function expressRoutes(settings: express.RouterOptions): Where {
  const router = express.Router(settings)
  let reached: string | undefined
  for (const route of ['/admin', '/users/:id', '/admin/:id']) router.all(route, () => void (reached = route))
  return (target) => {
    reached = undefined
    router({ url: target, method: 'GET' } as express.Request, {} as express.Response, () => {})
    return reached
  }
}

/** The same of the router of Fastify. */
function fastifyRoutes(settings: findMyWay.Config<findMyWay.HTTPVersion.V1>): Where {
  const router = findMyWay({ ...settings, maxParamLength: 100_000, defaultRoute: () => {}, onBadUrl: () => {} })
  let reached: string | undefined
  for (const route of ['/admin', '/users/:id', '/admin/:id']) router.on('GET', route, () => void (reached = route))
  return (target) => {
    reached = undefined
    router.lookup({ url: target, method: 'GET', headers: {} } as IncomingMessage, {} as ServerResponse)
    return reached
  }
}

// The declared type lacks the last one.
const LENIENT = { ignoreDuplicateSlashes: true, ignoreTrailingSlash: true, caseSensitive: false, useSemicolonDelimiter: true }
const ROUTERS: readonly (readonly [string, Where])[] = [
  ['Express', expressRoutes({})],
  ['Express, strict', expressRoutes({ strict: true, caseSensitive: true })],
  ['Fastify', fastifyRoutes({})],
  ['Fastify, lenient', fastifyRoutes(LENIENT)],
  // What a handler of web-standard requests sees, whose URL is tidied up.
  ['WHATWG', (target) => webRoute(target)],
]

function webRoute(target: string): string | undefined {
  if (!target.startsWith('/') || !URL.canParse(`http://users${target}`)) return undefined
  const { pathname } = new URL(`http://users${target}`)
  if (/^\/admin\/?$/i.test(pathname)) return '/admin'
  return /^\/admin\/[^/]+\/?$/i.test(pathname) ? '/admin/:id' : /^\/users\/[^/]+\/?$/i.test(pathname) ? '/users/:id' : undefined
}

const allowedUsers = accessPolicy({ allow: [{ from: ['*'], paths: ['/users/:id'] }] }, 'policy')
const deniedAdmin = accessPolicy({ allow: [{ from: ['*'] }], deny: [{ from: ['*'], paths: ['/admin', '/admin/*'] }] }, 'policy')

describe('paths, whatever they are', () => {
  it('Z02 Z04 no router reaches a route by a path that the policy takes for another one', async () => {
    const watch = new Stopwatch()
    let read = 0
    let denied = 0
    let reached = 0
    fc.assert(
      fc.property(targets, (target) => {
        const path = watch.time(target, target.length, () => readRequestPath(target))
        if ('refused' in path) return
        read++
        const request = { peer: peerOf('orders'), method: 'GET', path: path.segments, remoteAddress: undefined, header: () => undefined }
        const mayUsers = watch.time(target, target.length, () => allowedUsers.judge(request)).allowed
        const mayAnything = watch.time(target, target.length, () => deniedAdmin.judge(request)).allowed
        if (!mayAnything) denied++
        for (const [name, whereTo] of ROUTERS) {
          const route = whereTo(target)
          if (route === '/users/:id' && mayUsers) reached++
          // Allowed was a user, and nothing else may be reached by it; forbidden is the admin, and nothing of it may.
          if (mayUsers) expect([undefined, '/users/:id'], `${name}: ${target}`).toContain(route)
          if (mayAnything) expect([undefined, '/users/:id'], `${name}: ${target}`).toContain(route)
        }
      }),
      fuzzRuns(IN_SUITE),
    )
    expect(read).toBeGreaterThan(20)
    expect(denied).toBeGreaterThan(10)
    expect(reached).toBeGreaterThan(2)
    expect(await watch.tooSlow()).toBeUndefined()
  })

  it('Z02 a path that is read has one form alone: tidied up, written again and decoded by parts it is the same', () => {
    let read = 0
    fc.assert(
      fc.property(targets, (target) => {
        const path = readRequestPath(target)
        if ('refused' in path) return
        read++
        const raw = rawPathOf(target)
        // Braces and the like may be escaped by it, but nothing goes and nothing moves.
        expect(decodeURIComponent(new URL(`http://users${raw}`).pathname)).toBe(decodeURIComponent(raw))
        expect(`/${path.segments.join('/')}`).toBe(decodeURIComponent(raw))
        for (const segment of path.segments) {
          expect(segment).not.toMatch(/[/\\\0-\x1f]/)
          expect(['.', '..']).not.toContain(segment)
        }
      }),
      fuzzRuns(IN_SUITE, 0.5),
    )
    expect(read).toBeGreaterThan(20)
  })

  it('Z12 a template matches what a search through all possibilities matches, and takes no search', async () => {
    const watch = new Stopwatch()
    const part = fc.constantFrom('a', 'b', 'A', ':id', '{*}', '{**}', '*', 'a%20b', '%7B')
    const templates = fc.array(part, { maxLength: 5 }).map((parts) => `/${parts.join('/')}`)
    const paths = fc.oneof({ weight: 9, arbitrary: fc.array(fc.constantFrom('a', 'b', 'A', 'a%20b', 'c', ''), { maxLength: 6 }).map((parts) => `/${parts.join('/')}`) }, { weight: 1, arbitrary: long })
    let matched = 0
    fc.assert(
      fc.property(templates, paths, (text, target) => {
        const template = parsePathTemplate(text)
        const path = readRequestPath(target)
        if (template === undefined || 'refused' in path) return
        const { segments } = path
        const exactly = watch.time([text, target], target.length, () => matchesExactly(template, segments))
        const loosely = watch.time([text, target], target.length, () => matchesLoosely(template, segments))
        if (exactly) matched++
        if (target.length < 100) expect(exactly, `${text} on ${target}`).toBe(slowly(text.slice(1).split('/'), segments))
        // In doubt it covers at least that.
        expect(exactly && !loosely).toBe(false)
      }),
      fuzzRuns(3 * IN_SUITE),
    )
    expect(matched).toBeGreaterThan(10)
    expect(await watch.tooSlow()).toBeUndefined()
  })
})

/** What the words of the documentation say, tried one possibility after the other. */
function slowly(template: readonly string[], path: readonly string[]): boolean {
  const [first, ...rest] = template
  if (first === undefined) return path.length === 0
  if (first === '{**}' || (first === '*' && rest.length === 0)) return path.some((_, i) => slowly(rest, path.slice(i + 1)))
  if (path.length === 0) return false
  const isOne = first === '{*}' || first.startsWith(':')
  return (isOne ? path[0] !== '' : path[0] === decodeURIComponent(first)) && slowly(rest, path.slice(1))
}
