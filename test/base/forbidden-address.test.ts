import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { forbiddenAddress, guardedLookup } from '../../src/base/forbidden-address.js'

describe('forbidden addresses', () => {
  it.each([
    ...['169.254.169.254', '169.254.170.2', '169.254.0.1', '0.0.0.0', '0.1.2.3', '100.100.100.200', '168.63.129.16', '224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255'],
    ...['::', '0:0:0:0:0:0:0:0', '::0.0.0.0', '::ffff:169.254.169.254', '::FFFF:a9fe:a9fe', '0:0:0:0:0:ffff:a9fe:a9fe', '::169.254.169.254', '64:ff9b::169.254.169.254', '::ffff:0.0.0.0'],
    ...['fe80::1', 'fe80::1%eth0', 'FEBF::1', 'fec0::1', 'ff02::1', 'fd00:ec2::254', 'fd00:0ec2:0::254'],
    ...['2852039166', '0xa9fea9fe', '0xA9.254.43518', '169.16689662', '0', '0x0', '0251.0376.0251.0376', '169.254.43518.', '1.2.3.4.5', '4294967296', 'host.0x'],
  ])('O03 %s is one', (host) => {
    expect(forbiddenAddress(host)).toEqual(expect.any(String))
  })

  it.each([
    ...['127.0.0.1', '10.0.0.1', '192.168.1.1', '172.16.0.1', '100.64.0.1', '8.8.8.8', '169.253.1.1', '170.254.1.1', '223.255.255.255', '1.0.0.0'],
    ...['::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:10.0.0.1', '2001:db8::1', 'fd00::1', 'fc00::1', 'fe00::1', '64:ff9b::10.0.0.1'],
    ...['users', 'users.internal.', 'u1', '10.users', 'node-0', '2130706433'],
  ])('O03 %s is none', (host) => {
    expect(forbiddenAddress(host)).toBeUndefined()
  })
})

describe('guarded look-up', () => {
  afterEach(() => {
    vi.restoreAllMocks()
    syncBuiltinESMExports()
  })

  /** What the system says of every name. */
  function named(...addresses: string[]): void {
    const answer = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    vi.spyOn(dns, 'lookup').mockImplementation(((_name: string, _options: object, callback: (error: null, found: object[]) => void) => callback(null, answer)) as never)
    syncBuiltinESMExports()
  }

  const found = (options: dns.LookupOptions): Promise<unknown> =>
    new Promise((resolve) => guardedLookup('users', options, (error, address, family) => resolve(error?.message ?? [address, family])))

  it('O03 leaves out what is forbidden among the addresses of a name, in either form of the answer', async () => {
    named('fe80::1', '169.254.169.254', '10.0.0.1', '::ffff:0.0.0.0', '10.0.0.2')
    expect(await found({ all: true })).toEqual([[{ address: '10.0.0.1', family: 4 }, { address: '10.0.0.2', family: 4 }], undefined])
    expect(await found({})).toEqual(['10.0.0.1', 4])
  })

  it('O03 finds nothing where nothing else is left, and says why', async () => {
    named('169.254.169.254')
    expect(await found({ all: true })).toMatch(/^users is a link-local address, .*nothing is sent there$/)
    expect(await found({})).toMatch(/^users is a link-local address/)
  })
})
