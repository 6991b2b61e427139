import { afterEach, describe, expect, it, vi } from 'vitest'
import { etcd } from '../../src/discovery/etcd.js'
import type { EtcdOptions } from '../../src/discovery/etcd-options.js'
import { follow } from './support/follow.js'

afterEach(() => void vi.unstubAllEnvs())

describe('where etcd is', () => {
  const addressIn = async (options: EtcdOptions = {}): Promise<string> => {
    const error = await follow(etcd(options), 'users').next().catch((each: unknown) => each)
    return (error as Error).message
  }

  it('is said by the environment, with or without a scheme', async () => {
    vi.stubEnv('ETCDCTL_ENDPOINTS', '127.0.0.1:1')
    expect(await addressIn()).toContain('etcd does not answer at http://127.0.0.1:1: ')
    vi.stubEnv('ETCDCTL_ENDPOINTS', 'https://127.0.0.1:1/, 127.0.0.1:2')
    expect(await addressIn()).toMatch(/etcd does not answer at http(s:\/\/127.0.0.1:1|:\/\/127.0.0.1:2): /)
    expect(await addressIn({ endpoints: ['http://127.0.0.1:3'] })).toContain('http://127.0.0.1:3: ')
  })

  it.each([
    ['an unknown option', { endpoint: 'http://h' }, 'etcd.endpoint: unknown option'],
    ['no endpoint', { endpoints: [] }, 'etcd.endpoints: expected at least one URL, got []'],
    ['an endpoint without a scheme', { endpoints: ['http://h', 'h:2379'] }, 'etcd.endpoints[1]: expected an http:// or https:// URL'],
    ['a prefix that would meet its neighbours', { prefix: '/services' }, "etcd.prefix: expected a prefix that ends with '/', got \"/services\""],
    ['half a user', { username: 'joe' }, 'etcd.password: expected one beside the username'],
    ['the other half', { password: 'hunter2' }, 'etcd.username: expected one beside the password'],
    ['a password that is none', { username: 'joe', password: 4711 }, 'etcd.password: expected a non-empty string'],
    ['a file where the certificate belongs', { tls: { ca: '/etc/ca.pem' } }, 'etcd.tls.ca: expected PEM text'],
    ['TLS for nobody', { tls: { ca: '-----BEGIN CERTIFICATE-----' } }, 'etcd.tls: expected https:// endpoints, got "http://127.0.0.1:2379"'],
    [
      'a certificate without its key',
      { endpoints: ['https://h'], tls: { cert: '-----BEGIN CERTIFICATE-----' } },
      'etcd.tls: expected cert and key together',
    ],
    ['a lease too short', { ttlMs: 999 }, 'etcd.ttlMs: expected a whole number from 1000 to 86400000, got 999'],
    ['a silence without end', { relistMs: Infinity }, 'etcd.relistMs: expected a whole number from 1000 to 600000'],
  ])('refuses %s', (_, options, reason) => {
    expect(() => etcd(options as EtcdOptions)).toThrow(
      expect.objectContaining({ code: 'MESH_ERR_OPTION', message: expect.stringContaining(reason) }),
    )
  })

  it.each([
    ['ETCDCTL_ENDPOINTS', 'unix:///run/etcd.sock', 'ETCDCTL_ENDPOINTS[0]: expected'],
    ['ETCDCTL_USER', 'joe', 'ETCDCTL_USER: expected name:password'],
  ])('names the variable of the environment that is wrong: %s', (name, value, reason) => {
    vi.stubEnv(name, value)
    expect(() => etcd()).toThrow(expect.objectContaining({ code: 'MESH_ERR_OPTION', message: expect.stringContaining(reason) }))
  })
})
