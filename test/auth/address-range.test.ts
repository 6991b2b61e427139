import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { addressRange, parseAddress } from '../../src/auth/address-range.js'

describe('address range', () => {
  it.each<[string, string[], string[]]>([
    ['10.0.0.0/8', ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3', '::ffff:a01:203'], ['11.0.0.0', '9.255.255.255', '::10.1.2.3']],
    ['10.1.2.3', ['10.1.2.3', '::FFFF:10.1.2.3'], ['10.1.2.4']],
    ['0.0.0.0/0', ['127.0.0.1', '::ffff:1.2.3.4'], ['::1']],
    ['::/0', ['::1', 'fe80::1%eth0'], ['10.0.0.1', '::ffff:10.0.0.1']],
    ['fd00::/8', ['fd12:3456::1', 'fdff::'], ['fe00::', 'fc00::']],
    ['2001:db8::/33', ['2001:db8:7fff::'], ['2001:db8:8000::']],
    ['::ffff:10.0.0.0/104', ['10.9.9.9', '::ffff:10.9.9.9'], ['11.0.0.0']],
    ['fe80::1', ['fe80::1%lo', 'fe80:0:0:0:0:0:0:1'], ['fe80::2']],
  ])('%s', (range, inside, outside) => {
    const matches = addressRange(range, 'a')
    for (const inDoubt of [false, true]) {
      for (const address of inside) expect(matches(address, inDoubt), address).toBe(true)
      for (const address of outside) expect(matches(address, inDoubt), address).toBe(false)
    }
  })

  it.each([undefined, '', 'unknown', '10.0.0', '10.0.0.1:80', '[::1]', '010.0.0.1'])('cannot tell for %j', (address) => {
    expect(addressRange('10.0.0.0/8', 'a')(address, false)).toBe(false)
    expect(addressRange('10.0.0.0/8', 'a')(address, true)).toBe(true)
  })

  it.each(['', '10.0.0.1/8', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/-1', '10.0.0.0/8/8', '::1/129', 'fe80::1%eth0', '*', '10.*', '::ffff:0.0.0.0/90', 7, null])(
    'refuses %j',
    (range) => {
      expect(() => addressRange(range, 'a[0]')).toThrow('a[0]: expected an IP address or a range')
    },
  )

  it('reads every IPv6 address as the URL parser does', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const canonical = new URL(`http://[${address}]/`).hostname.slice(1, -1)
        expect(parseAddress(address)).toEqual(parseAddress(canonical))
      }),
      { numRuns: 500 },
    )
  })

  it('an address lies in exactly the ranges that share its first bits', () => {
    const octets = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 })
    fc.assert(
      fc.property(octets, fc.integer({ min: 0, max: 32 }), octets, (address, length, other) => {
        const bits = (of: readonly number[]): string => of.map((octet) => octet.toString(2).padStart(8, '0')).join('')
        const base = bits(address).slice(0, length).padEnd(32, '0').match(/.{8}/g)!.map((octet) => parseInt(octet, 2)).join('.')
        const matches = addressRange(`${base}/${length}`, 'a')
        expect(matches(address.join('.'), false)).toBe(true)
        expect(matches(`::ffff:${other.join('.')}`, false)).toBe(bits(other).slice(0, length) === bits(address).slice(0, length))
      }),
      { numRuns: 500 },
    )
  })
})
