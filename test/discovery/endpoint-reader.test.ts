import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readEndpoint, readEndpoints, type EndpointMemory } from '../../src/discovery/endpoint-reader.js'

const reasonFor = (entry: unknown): string | undefined => readEndpoints([entry], 'users').refused[0]

describe('reading endpoints', () => {
  it('fills in what an address leaves out', () => {
    expect(readEndpoint('127.0.0.1:8081', 'users[0]')).toEqual({
      id: '127.0.0.1:8081',
      host: '127.0.0.1',
      port: 8081,
      weight: 1,
      status: 'ready',
      zone: undefined,
      region: undefined,
      priority: 0,
      metadata: {},
    })
  })

  it('takes host names and IPv6 addresses', () => {
    expect(readEndpoint('[2001:db8::1]:80', '')).toMatchObject({ id: '[2001:db8::1]:80', host: '2001:db8::1', port: 80 })
    expect(readEndpoint('users_1.internal.:80', '')).toMatchObject({ host: 'users_1.internal.' })
    expect(readEndpoint({ host: '::1', port: 80 }, '')).toMatchObject({ id: '[::1]:80' })
  })

  it('keeps everything that an entry says', () => {
    const place = { zone: 'z', region: 'r', priority: 2 }
    const entry = { id: 'a', host: 'h', port: 1, weight: 0, status: 'draining', ...place, metadata: { version: '2', note: '' } }
    expect(readEndpoint(entry, 'users[0]')).toEqual(entry)
  })

  it.each([
    ['R13 a weight that is no number', { host: 'h', port: 1, weight: NaN }, 'users[0].weight: expected a number from 0 to 65535, got NaN'],
    ['R13 a negative weight', { host: 'h', port: 1, weight: -1 }, 'users[0].weight: expected a number from 0 to 65535, got -1'],
    ['R13 a huge weight', { host: 'h', port: 1, weight: 1e308 }, 'users[0].weight: expected a number from 0 to 65535, got 1e+308'],
    ['R13 port 0', { host: 'h', port: 0 }, 'users[0].port: expected a whole number from 1 to 65535, got 0'],
    ['a port that is text', { host: 'h', port: '80' }, 'users[0].port: expected a whole number from 1 to 65535, got "80"'],
    ['a missing port', { host: 'h' }, 'users[0].port: expected a whole number from 1 to 65535, got undefined'],
    ['a missing host', { port: 1 }, 'users[0].host: expected a host name or an IP address, got undefined'],
    ['a host with a path', { host: 'h/../x', port: 1 }, 'users[0].host: expected a host name or an IP address, got "h/../x"'],
    ['a host with a line break', { host: 'h\r\nx', port: 1 }, 'users[0].host: expected a host name or an IP address, got "h\\r\\nx"'],
    ['a priority below 0', { host: 'h', port: 1, priority: -1 }, 'users[0].priority: expected a whole number from 0 to 65535, got -1'],
    ['an unknown field', { host: 'h', port: 1, wieght: 2 }, 'users[0].wieght: unknown option'],
    ['metadata that is no text', { host: 'h', port: 1, metadata: { a: 1 } }, 'users[0].metadata.a: expected a non-empty string, got 1'],
    ['an address without a port', 'localhost', "users[0]: expected an address such as 'host:port' or '[::1]:port', got \"localhost\""],
    ['an address with a scheme', 'http://h:80', 'users[0]: expected an address'],
    ['O03 a link-local address', '169.254.169.254:80', 'users[0].host: expected an address at which a service can be, not a link-local address'],
    ['O03 a number that is one', { host: '0xa9fea9fe', port: 80 }, 'users[0].host: expected an address at which a service can be'],
    ['O03 a port that is not for HTTP', 'h:6379', 'users[0].port: expected a port for HTTP'],
    ['null', null, 'users[0]: expected a plain object, got null'],
    ['a list', [], 'users[0]: expected a plain object, got []'],
  ])('refuses %s', (_, entry, reason) => {
    expect(reasonFor(entry)).toContain(reason)
  })

  it('R13 refuses the second of two with the same id and serves the others', () => {
    const { endpoints, refused } = readEndpoints(['h:1', { id: 'h:1', host: 'x', port: 2 }, null, 'h:3'], 'users')
    expect(endpoints.map(({ host, port }) => `${host}:${port}`)).toEqual(['h:1', 'h:3'])
    expect(refused).toEqual([
      "users[1].id: expected one of its own, got 'h:1' a second time",
      'users[2]: expected a plain object, got null',
    ])
  })

  it('reads a list by what it remembers of the ones before exactly as if it remembered nothing', () => {
    const pool = [
      ...Array.from({ length: 6 }, (_, i) => ({ host: 'h', port: 1 + (i % 4), weight: i })),
      ...['h:1', 'h:2', 'h:0'],
      { host: 'h', port: 9, id: 'h:1' },
      null,
    ]
    const lists = fc.array(fc.array(fc.constantFrom(...pool), { maxLength: 4 }), { maxLength: 8 })
    fc.assert(
      fc.property(lists, (entriesInTurn) => {
        const memory: EndpointMemory = {}
        const list: unknown[] = []
        for (const entries of entriesInTurn) {
          // In place: whoever tells may use the same array again.
          list.splice(0, list.length, ...entries)
          expect(readEndpoints(list, 'users', memory)).toEqual(readEndpoints(entries, 'users'))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('lets no name in metadata reach a prototype', () => {
    const entry: unknown = JSON.parse('{"host":"h","port":1,"metadata":{"__proto__":"x","constructor":"y","toString":"z"}}')
    const { metadata } = readEndpoint(entry, '')
    expect(Object.entries(metadata)).toEqual([['__proto__', 'x'], ['constructor', 'y'], ['toString', 'z']])
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
    expect(reasonFor(JSON.parse('{"host":"h","port":1,"__proto__":{"weight":9}}'))).toContain('users[0].__proto__: unknown option')
  })

  it('reads or refuses each entry, whatever comes, and never throws', () => {
    const likely = fc.record(
      {
        host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6(), fc.string()),
        port: fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.anything()),
        weight: fc.oneof(fc.double(), fc.anything()),
        metadata: fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.anything()),
      },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(likely, fc.string(), fc.anything())), (entries) => {
        const { endpoints, refused } = readEndpoints(entries, 'users')
        expect(endpoints.length + refused.length).toBe(entries.length)
        for (const { port, weight, id } of endpoints) {
          expect(Number.isInteger(port) && port >= 1 && port <= 65_535).toBe(true)
          expect(weight >= 0 && weight <= 65_535).toBe(true)
          expect(id).not.toBe('')
        }
      }),
    )
  })
})
