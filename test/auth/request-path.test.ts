import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRequestPath } from '../../src/auth/request-path.js'

describe('request path', () => {
  it.each<[string, string[]]>([
    ['/', ['']],
    ['/users/42', ['users', '42']],
    ['/users/42?next=//evil/%2e%2e#x', ['users', '42']],
    ['/users/', ['users', '']],
    ['/caf%C3%A9/a%20b', ['café', 'a b']],
    ['/files/report.v1.pdf', ['files', 'report.v1.pdf']],
    ['/a/...', ['a', '...']],
    ['/100%25', ['100%']],
    ["/x/!$&'()*+,=:@[]|", ['x', "!$&'()*+,=:@[]|"]],
  ])('reads %s', (target, segments) => {
    expect(readRequestPath(target)).toEqual({ segments })
  })

  it.each([
    ...['', 'users', '*', 'http://users/users', '?a=/b', '//', '//users', '/users//42', '/a\\b', '/a%5cb', '/a%5Cb', '/a%2fb', '/a%2Fb'],
    ...['/a;v=1', '/a;/b', '/a#b', '/.', '/..', '/a/./b', '/a/../b', '/a/..', '/a/.', '/%2e', '/%2E%2e/b', '/a/.%2e', '/a/%2e./b'],
    ...['/%', '/%4', '/%zz', '/%00', '/a%0d%0ab', '/%7f', '/\u0000', '/a b', '/caf\u00e9', '/\u2215', '/%41', '/%7Ebob', '/%5f', '/a%2Db'],
    ...['/%252e', '/%252f', '/%25252e', '/%c0%af', '/%ff', '/%c3', '/%ed%a0%80', '/%f4%90%80%80'],
  ])('Z02 refuses %j', (target) => {
    expect(readRequestPath(target)).toHaveProperty('refused')
  })

  it('Z02 has one reading for each escaped byte, or none', () => {
    for (let byte = 1; byte <= 0xff; byte++) {
      const escaped = `%${byte.toString(16).padStart(2, '0')}`
      for (const escape of [escaped, escaped.toUpperCase()]) {
        const path = readRequestPath(`/a/${escape}`)
        // What is let through is one character that no router splits, cuts or resolves.
        if ('segments' in path) expect(path.segments[1]).toMatch(/^[ !"#$%&'()*+,:;<=>?@[\]^`{|}]$/)
      }
    }
  })

  it('Z02 what is accepted is read the same by a router that decodes first and one that splits first', () => {
    const piece = fc.constantFrom('a', 'users', '/', '//', '.', '..', '%2e', '%2f', '%5c', '\\', ';', '#', '%', '%20', '%c3%a9', '%25', '*', ':', '~')
    let read = 0
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const target = `/${pieces.join('')}`
        const path = readRequestPath(target)
        if ('refused' in path) return
        read++
        expect(decodeURIComponent(target).slice(1).split('/')).toEqual(path.segments)
        expect(new URL(target, 'http://users').pathname.slice(1).split('/').map(decodeURIComponent)).toEqual(path.segments)
      }),
      { numRuns: 5_000 },
    )
    expect(read).toBeGreaterThan(100)
  })

  it('never throws', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (target) => void readRequestPath(target)), { numRuns: 500 })
  })

  it('Z12 takes time in proportion to the length: ten times as long is not a hundred times as slow', () => {
    for (const piece of ['a/', '/', '%', '%2', '.', '../', 'a.', '%25', '~-', '%c3%a9']) {
      const ratio = cost(`/${piece.repeat(20_000)}!`) / cost(`/${piece.repeat(2_000)}!`)
      expect(ratio, piece).toBeLessThan(50)
    }
  })
})

/** The least of several measurements, in milliseconds; the floor keeps a ratio from being one of noise. */
function cost(target: string): number {
  let leastMs = Infinity
  for (let i = 0; i < 15; i++) {
    const startedAt = performance.now()
    readRequestPath(target)
    leastMs = Math.min(leastMs, performance.now() - startedAt)
  }
  return Math.max(leastMs, 0.02)
}
