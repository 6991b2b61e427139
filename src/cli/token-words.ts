import type { Style } from './colour.js'
import { span } from './units.js'
import { lineOf, printable } from './width.js'

/** A token, taken apart; nothing of it is believed. */
export interface TokenParts {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly signatureLength: number
}

/** Takes a token apart; undefined when it is no JWS of JSON (RFC 7515 §3.1). Nothing of it stands in any message. */
export function partsOf(token: string): TokenParts | undefined {
  const [header, claims] = token.split('.').slice(0, 2).map(objectIn)
  if (header === undefined || claims === undefined) return undefined
  return { header, claims, signatureLength: token.split('.').slice(2).join('.').length }
}

function objectIn(part: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

const MEANINGS: Readonly<Record<string, string>> = {
  alg: 'how it is signed',
  typ: 'what it is; at+jwt is an access token (RFC 9068)',
  kid: 'which key of the issuer signed it',
  iss: 'who made it, the issuer',
  sub: 'who it speaks for, the caller',
  aud: 'whom it is for, the called service',
  client_id: 'who asked for it',
  jti: 'its own id',
  cnf: 'the key that its holder must prove to have (RFC 7800)',
}

const TIMES: Readonly<Record<string, string>> = { iat: 'made', nbf: 'good', exp: 'expires' }

/** Header and claims, each with what it means. */
export function tokenLines({ header, claims, signatureLength }: TokenParts, nowMs: number, style: Style, columns: number): readonly string[] {
  const entries = [...Object.entries(header), ...Object.entries(claims)].map(([name, value]) => [name, textOf(name, value), meaningOf(name, value, nowMs)] as const)
  const width = (of: (entry: (typeof entries)[number]) => string): number => Math.min(Math.max(...entries.map((entry) => of(entry).length)), 44)
  const [names, values] = [width(([name]) => name), width(([, value]) => value)]
  const line = ([name, value, meaning]: (typeof entries)[number]): string => lineOf(`  ${name.padEnd(names)}  ${value.padEnd(values)}  ${meaning}`.trimEnd(), columns)
  const count = Object.keys(header).length
  return [
    style.bold('Header'),
    ...entries.slice(0, count).map(line),
    style.bold('Claims'),
    ...entries.slice(count).map(line),
    style.bold('Signature'),
    style.dim(`  ${signatureLength} characters, not shown`),
  ]
}

const dateTime = new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'medium', timeZone: 'UTC' })

function textOf(name: string, value: unknown): string {
  if (name in TIMES && isTime(value)) return `${dateTime.format(value * 1000)} UTC`
  return printable(typeof value === 'string' ? value : JSON.stringify(value))
}

function meaningOf(name: string, value: unknown, nowMs: number): string {
  const verb = TIMES[name]
  if (verb === undefined || !isTime(value)) return MEANINGS[name] ?? ''
  const awayMs = value * 1000 - nowMs
  if (name === 'exp' && awayMs <= 0) return `expired ${span(-awayMs)} ago`
  return awayMs > 0 ? `${verb} in ${span(awayMs)}` : `${verb}${name === 'nbf' ? ' since' : ''} ${span(-awayMs)}${name === 'nbf' ? '' : ' ago'}`
}

/** What a calendar knows. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < 253_402_300_800
}
