import { isIP } from 'node:net'
import { optionError, type Reader } from '../base/validate.js'
import type { Matcher } from './matcher.js'

/** An IP address as a number of 32 or 128 bits. */
interface Address {
  readonly bits: 32 | 128
  readonly value: bigint
}

/** The upper 96 bits of an IPv4 address that is written as IPv6, `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2). */
const MAPPED = 0xffffn

/** Addresses as a socket gives them. An IPv4 address is the same one in its IPv6 form; a zone, as in `fe80::1%eth0`, counts for nothing. */
export function parseAddress(given: string): Address | undefined {
  const zone = given.indexOf('%')
  const text = zone === -1 ? given : given.slice(0, zone)
  const family = isIP(text)
  if (family === 0) return undefined
  if (family === 4) return { bits: 32, value: ipv4(text) }
  const value = ipv6(text)
  return value >> 32n === MAPPED ? { bits: 32, value: value & 0xffff_ffffn } : { bits: 128, value }
}

function ipv4(text: string): bigint {
  return text.split('.').reduce((value, octet) => (value << 8n) | BigInt(octet), 0n)
}

function ipv6(text: string): bigint {
  // The last 32 bits may stand as IPv4.
  const hex = text.replace(/\d+\.\d+\.\d+\.\d+$/, (tail) => {
    const value = ipv4(tail)
    return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`
  })
  const [head = '', tail] = hex.split('::')
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => '0'), ...back]
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n)
}

/** Whether an address lies in a range. One that is not known, or is none, leaves a doubt. */
export type AddressMatcher = Matcher<string | undefined>

const EXPECTED = 'an IP address or a range such as 10.0.0.0/8 or fd00::/8, with no bit set behind its prefix'

export const addressRange: Reader<AddressMatcher> = (value, path) => {
  const range = typeof value === 'string' ? parseRange(value) : undefined
  if (range === undefined) throw optionError(path, EXPECTED, value)
  return (given, inDoubt) => {
    const address = given === undefined ? undefined : parseAddress(given)
    if (address === undefined) return inDoubt
    return address.bits === range.bits && address.value >> range.shift === range.prefix
  }
}

function parseRange(text: string): { readonly bits: 32 | 128; readonly prefix: bigint; readonly shift: bigint } | undefined {
  const [, base = '', length] = /^([^/%]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = parseAddress(base)
  if (address === undefined) return undefined
  // A range of mapped addresses counts its prefix from the front of the IPv6 form.
  const skipped = isIP(base) === 6 ? 128 - address.bits : 0
  const kept = length === undefined ? address.bits : Number(length) - skipped
  if (kept < 0 || kept > address.bits) return undefined
  const shift = BigInt(address.bits - kept)
  const prefix = address.value >> shift
  return prefix << shift === address.value ? { bits: address.bits, prefix, shift } : undefined
}
