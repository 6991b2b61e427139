import { describe, expect, it } from 'vitest'
import { matchesExactly, matchesLoosely, parsePathTemplate } from '../../src/auth/path-template.js'
import { readRequestPath } from '../../src/auth/request-path.js'

function matches(template: string, path: string, how = matchesExactly): boolean {
  const read = readRequestPath(path)
  return 'segments' in read && how(parsePathTemplate(template)!, read.segments)
}

describe('path template', () => {
  it.each<[string, string[], string[]]>([
    ['/', ['/'], ['/users', '/a/b']],
    ['/users', ['/users'], ['/', '/users/', '/users/1', '/USERS', '/user']],
    ['/users/:id', ['/users/42', '/users/a%20b', '/users/:id'], ['/users', '/users/', '/users/42/', '/users/42/orders']],
    ['/users/:id/orders', ['/users/42/orders'], ['/users//orders', '/users/42', '/users/42/orders/1']],
    ['/users/*', ['/users/42', '/users/42/orders', '/users/'], ['/users', '/user/42']],
    ['/*', ['/', '/users', '/users/42/'], []],
    ['/users/{*}/orders', ['/users/42/orders'], ['/users/orders', '/users/42', '/users/42/x/orders']],
    ['/files/{**}', ['/files/a', '/files/a/b', '/files/'], ['/files', '/file/a']],
    ['/foo/{**}/', ['/foo/bar/', '/foo/bar/baz.txt/'], ['/foo/bar', '/foo/', '/foo']],
    ['/foo/{*}/bar/{**}', ['/foo/buzz/bar/', '/foo/buzz/bar/baz'], ['/foo/bar/baz', '/foo/buzz/bar']],
    ['/{*}/{**}/end', ['/a/b/end', '/a/b/c/end', '/a/end/end'], ['/a/end', '/a/b/c', '/end']],
    ['/a/%2A', ['/a/*'], ['/a/b']],
    ['/%7Bid%7D/%3F', ['/%7Bid%7D/%3F'], ['/a/%3F']],
    ['/caf%C3%A9', ['/caf%c3%a9'], ['/cafe']],
  ])('%s', (template, inside, outside) => {
    for (const path of inside) expect(matches(template, path), path).toBe(true)
    for (const path of outside) expect(matches(template, path), path).toBe(false)
  })

  it.each<[string, string[], string[]]>([
    ['/admin', ['/admin', '/admin/', '/ADMIN', '/Admin/'], ['/', '/admins', '/admin/x']],
    ['/admin/*', ['/admin/x', '/Admin/X/', '/admin/', '/admin'], ['/administration']],
    ['/a/{**}/z', ['/a/b/z', '/a/z', '/A/b/c/Z/'], ['/a', '/a/b', '/z']],
    ['/stra%C3%9Fe/%CF%83', ['/STRASSE/%CF%82', '/stra%C3%9Fe/%CF%83'], ['/strase/%CF%83']],
    ['/Users/:id', ['/users/1', '/users/1/'], ['/users', '/users/1/2']],
  ])('%s, loosely: whatever a router may take for it', (template, inside, outside) => {
    for (const path of inside) expect(matches(template, path, matchesLoosely), path).toBe(true)
    for (const path of outside) expect(matches(template, path, matchesLoosely), path).toBe(false)
  })

  it.each([
    ...['', 'users', '/users?x=1', '/a//b', '/../a', '/a;b', '/%2e', '/users/{id}', '/users/:', '/users/:1', '/a/*/b', '/a*', '/users/:id.json'],
    ...['/{**}/{**}', '/{**}/{*}', '/{**}/:id', '/{**}/*', '/a{*}', '/{*}b', '/{***}', '/{', '/a(b)'],
  ])('has no meaning for %j, which would match something else or nothing', (template) => {
    expect(parsePathTemplate(template)).toBeUndefined()
  })
})
