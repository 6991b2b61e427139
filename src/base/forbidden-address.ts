import { lookup, type LookupAddress } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/**
 * Addresses at which no service of a mesh can be, and at which a request would do harm: what answers every process of a cloud's
 * machine with that machine's own credentials, what a system takes for itself, and what is no single machine. Loopback and private
 * addresses are not among them: in a mesh these are the honest ones.
 */
const IPV4: readonly (readonly [begins: RegExp, what: string])[] = [
  [/^169\.254\./, 'a link-local address, such as that of a cloud\'s metadata service'],
  [/^(?:100\.100\.100\.200|168\.63\.129\.16|192\.0\.0\.192)$/, "the address of a cloud's metadata service"],
  [/^0\./, 'an address that means this machine'],
  [/^2(?:2[4-9]|[345]\d)\./, 'a multicast or reserved address'],
]

const IPV6: readonly (readonly [network: string, bits: number, what: string])[] = [
  ['fe80::', 10, 'a link-local address'],
  ['fec0::', 10, 'a site-local address'],
  ['fd00:ec2::254', 128, "the address of a cloud's metadata service"],
  ['fd20:ce::254', 128, "the address of a cloud's metadata service"],
  ['ff00::', 8, 'a multicast address'],
  ['::', 128, 'an address that means this machine'],
]

/** Forms of IPv6 that hold an IPv4 address, which the system or a gateway takes for it: mapped, compatible, and NAT64 (RFC 6052). */
const EMBEDDING = ['::ffff:', '::', '64:ff9b::']
const EMBEDDED: readonly (readonly [network: string, bits: number])[] = [['169.254.0.0', 16], ['0.0.0.0', 8], ['224.0.0.0', 3], ['100.100.100.200', 32], ['168.63.129.16', 32], ['192.0.0.192', 32]]
/** All of them in one look, since next to no address is any of them. */
const ANY_IPV4 = new RegExp(IPV4.map(([begins]) => begins.source).join('|'))
/** How all of them begin, and few others: a look at a list costs more than a look at a letter. */
const SUSPECT_IPV6 = /^(?:f[def]|::|0|64:)/i

const ipv6Lists = [
  ...IPV6.map(([network, bits, what]) => [listOf(network, bits), what] as const),
  ...EMBEDDING.flatMap((form) => EMBEDDED.map(([network, bits]) => [listOf(`${form}${network}`, 96 + bits), 'a forbidden address in the form of IPv6'] as const)),
]

function listOf(network: string, bits: number): BlockList {
  const list = new BlockList()
  list.addSubnet(network, bits, 'ipv6')
  return list
}

/** What a host is to which nothing may be sent; undefined for all others, names among them: those are looked at when they are resolved. */
export function forbiddenAddress(host: string): string | undefined {
  const family = isIP(host)
  if (family === 4) return ANY_IPV4.test(host) ? IPV4.find(([begins]) => begins.test(host))?.[1] : undefined
  if (family === 6) return SUSPECT_IPV6.test(host) ? forbiddenIpv6(host) : undefined
  // A system reads `2852039166` and `0xa9.254.43518` as addresses, too.
  return /(?:^|\.)(?:\d+|0x[\da-f]*)\.?$/i.test(host) ? forbiddenNumber(host) : undefined
}

function forbiddenIpv6(host: string): string | undefined {
  // `::1` stands in the range of compatible addresses.
  const [address] = host.split('%') as [string]
  if (loopback.check(address, 'ipv6')) return undefined
  return ipv6Lists.find(([list]) => list.check(address, 'ipv6'))?.[1]
}

const loopback = listOf('::1', 128)

function forbiddenNumber(host: string): string | undefined {
  const url = `http://${host}`
  const written = URL.canParse(url) ? new URL(url).hostname : host
  return isIP(written) === 4 ? forbiddenAddress(written) : 'a number that is no address'
}

/** As `dns.lookup`, but without the forbidden ones among the addresses; an error when no other is left. */
export const guardedLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return callback(error, [])
    const good = addresses.filter(({ address }) => forbiddenAddress(address) === undefined)
    const [first] = good
    if (first === undefined) return callback(new ForbiddenAddress(hostname, addresses), [])
    if (options.all === true) callback(null, good)
    else callback(null, first.address, first.family)
  })
}

/** The error of a connection to this host, in brackets or not, that is not to be tried; undefined for one that is. */
export function refusedHost(host: string): ForbiddenAddress | undefined {
  const bare = host.replace(/^\[|\]$/g, '')
  return forbiddenAddress(bare) === undefined ? undefined : new ForbiddenAddress(bare)
}

/** A connection that was not tried. */
export class ForbiddenAddress extends Error {
  constructor(host: string, addresses: readonly LookupAddress[] = [{ address: host, family: 0 }]) {
    const [first] = addresses
    super(`${host} is ${(first && forbiddenAddress(first.address)) ?? 'nowhere'}, and nothing is sent there`)
  }
}
