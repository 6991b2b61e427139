import { describe, expect, it } from 'vitest'
import { matchesExactly, matchesLoosely, pathTemplate } from '../../src/auth/path-template.js'
import { readRequestPath } from '../../src/auth/request-path.js'

function matches(template: string, path: string, how = matchesExactly): boolean {
  const read = readRequestPath(path)
  return 'segments' in read && how(pathTemplate(template, 'path'), read.segments)
}

describe('path template', () => {
  it.each<[string, string[], string[]]>([
    ['/', ['/'], ['/users', '/a/b']],
    ['/users', ['/users'], ['/', '/users/', '/users/1', '/USERS', '/user']],
    ['/users/:id', ['/users/42', '/users/a%20b', '/users/:id'], ['/users', '/users/', '/users/42/', '/users/42/orders']],
    ['/users/:id/orders', ['/users/42/orders'], ['/users//orders', '/users/42', '/users/42/orders/1']],
    ['/users/*', ['/users/42', '/users/42/orders', '/users/'], ['/users', '/user/42']],
    ['/*', ['/', '/users', '/users/42/'], []],
    ['/caf%C3%A9', ['/caf%c3%a9'], ['/cafe']],
  ])('%s', (template, inside, outside) => {
    for (const path of inside) expect(matches(template, path), path).toBe(true)
    for (const path of outside) expect(matches(template, path), path).toBe(false)
  })

  it.each<[string, string[], string[]]>([
    ['/admin', ['/admin', '/admin/', '/ADMIN', '/Admin/'], ['/', '/admins', '/admin/x']],
    ['/admin/*', ['/admin/x', '/Admin/X/', '/admin/', '/admin'], ['/administration']],
    ['/Users/:id', ['/users/1', '/users/1/'], ['/users', '/users/1/2']],
  ])('%s, loosely: whatever a router may take for it', (template, inside, outside) => {
    for (const path of inside) expect(matches(template, path, matchesLoosely), path).toBe(true)
    for (const path of outside) expect(matches(template, path, matchesLoosely), path).toBe(false)
  })

  it.each([
    ...['', 'users', '/users?x=1', '/a//b', '/../a', '/a;b', '/%2e', '/users/{id}', '/users/:', '/users/:1', '/a/*/b', '/a*'],
    ...['/users/:id.json', 7, null],
  ])(
    'refuses %j, which would match something else or nothing',
    (template) => {
      expect(() => pathTemplate(template, 'policy.allow[0].paths[0]')).toThrow('policy.allow[0].paths[0]: expected a path such as')
    },
  )
})
