import { describe, expect, it } from 'vitest'
import { readDnsOptions, type DnsOptions } from '../../src/discovery/dns-options.js'

const NAME = '_{service}._tcp.mesh.test'

describe('the options of DNS', () => {
  it('need nothing but a name', () => {
    const { nameOf, ...settings } = readDnsOptions({ name: NAME })
    expect(settings).toEqual({ records: { type: 'SRV' }, servers: undefined, intervalMs: 5_000, timeoutMs: 3_000 })
    expect(nameOf('users')).toBe('_users._tcp.mesh.test')
  })

  it('take a function for the name', () => {
    expect(readDnsOptions({ name: (service) => `${service}.test` }).nameOf('users')).toBe('users.test')
  })

  it('refuse a name that the function makes of nothing', () => {
    expect(() => readDnsOptions({ name: () => '' }).nameOf('users')).toThrow(
      expect.objectContaining({ code: 'MESH_ERR_OPTION', message: expect.stringContaining("dns.name('users')") }),
    )
  })

  it.each<[string, unknown]>([
    ['dns.name: expected a name with {service} in it', {}],
    ['dns.name: expected a name with {service} in it', { name: 'users.mesh.test' }],
    ['dns.type: expected one of', { name: NAME, type: 'TXT' }],
    ['dns.port: expected the port of the endpoints, which A records do not tell', { name: NAME, type: 'A' }],
    ['dns.port: expected none', { name: NAME, port: 80 }],
    ['dns.port: expected a whole number from 1', { name: NAME, type: 'A', port: 0 }],
    ['dns.servers: expected at least one', { name: NAME, servers: [] }],
    ['dns.servers[1]: expected the IP address', { name: NAME, servers: ['127.0.0.1:5353', 'ns.mesh.test'] }],
    ['dns.intervalMs: expected', { name: NAME, intervalMs: 0 }],
    ['dns.timeoutMs: expected', { name: NAME, timeoutMs: Infinity }],
    ['dns.search: unknown option', { name: NAME, search: ['mesh.test'] }],
  ])('say %s', (message, options) => {
    expect(() => readDnsOptions(options as DnsOptions)).toThrow(
      expect.objectContaining({ code: 'MESH_ERR_OPTION', message: expect.stringContaining(message) }),
    )
  })
})
