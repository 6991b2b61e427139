import { parseArgs } from 'node:util'
import { httpUrl } from '../base/validate.js'
import type { Command, Options, Values } from './command.js'
import { didYouMean } from './nearest.js'
import { UsageError } from './usage-error.js'

export interface Arguments {
  readonly values: Values<Options>
  readonly words: readonly string[]
}

/** Whether the help is asked for, wherever that stands. */
export function asksForHelp(args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return args.slice(0, end < 0 ? undefined : end).some((arg) => arg === '--help' || arg === '-h')
}

/** Reads what stands behind the name of a command. Throws {@link UsageError}. */
export function readArguments(name: string, { options, maxWords = 0 }: Command, args: readonly string[]): Arguments {
  try {
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options })
    if (positionals.length <= maxWords) return { values: values as Values<Options>, words: positionals }
    const takes = maxWords === 0 ? 'takes no arguments' : `takes ${maxWords} at most`
    throw new UsageError(`${name} ${takes}, and here is '${positionals[maxWords]}'`)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(clearer((error as Error).message, Object.keys(options)))
  }
}

/** The parser's message without its advice on words that begin with a dash, and with the option that was meant. */
function clearer(message: string, known: readonly string[]): string {
  const [first = message] = message.split(/\. (?=To specify|Did you)/)
  const [, unknown] = /^Unknown option '--?([^']*)'/.exec(first) ?? []
  return unknown === undefined ? first : `${first}${didYouMean(unknown, known)}`
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, '': 1000, m: 60_000, min: 60_000 }

/** A length of time such as `90`, `90s`, `1.5m` or `500ms`, in milliseconds. Throws {@link UsageError}. */
export function readDurationMs(text: string, option: string, [leastMs, mostMs]: readonly [number, number]): number {
  const [, amount, unit = ''] = /^(\d{1,7}(?:\.\d{1,3})?)(ms|s|m|min)?$/.exec(text) ?? []
  const ms = Number(amount) * UNITS_MS[unit]!
  if (ms >= leastMs && ms <= mostMs) return ms
  throw new UsageError(`${option}: expected a time from ${leastMs / 1000} to ${mostMs / 1000} seconds, such as 30, 90s or 2m, got '${text}'`)
}

/** Throws {@link UsageError}. */
export function readWhole(text: string, option: string, [least, most]: readonly [number, number]): number {
  const value = Number(text)
  if (/^\d{1,9}$/.test(text) && value >= least && value <= most) return value
  throw new UsageError(`${option}: expected a whole number from ${least} to ${most}, got '${text}'`)
}

/** A URL without a slash at its end; `http://` may be left out. Throws `MESH_ERR_OPTION`. */
export function readUrl(text: string, option: string): string {
  return httpUrl(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`, option).replace(/\/+$/, '')
}
