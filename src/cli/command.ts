import type { Clock } from '../base/clock.js'
import type { Random } from '../base/random.js'
import type { Terminal } from './terminal.js'

/** An option of a command: what the parser needs of it and what its help says. */
export interface OptionInfo {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  /** What stands after it, such as `<seconds>`. */
  readonly value?: string
  readonly about: string
}

export type Options = Readonly<Record<string, OptionInfo>>

export type Values<O extends Options> = { readonly [K in keyof O]?: O[K]['type'] extends 'boolean' ? boolean : string }

/** What a command is given of the world. */
export interface World {
  readonly out: Terminal
  /** Hints and warnings, beside what was asked for. */
  readonly err: Terminal
  readonly env: NodeJS.ProcessEnv
  readonly stdin: NodeJS.ReadStream
  readonly clock: Clock
  readonly random: Random
}

export interface Command<O extends Options = Options> {
  /** How it is written, without the program's name. */
  readonly usage: readonly string[]
  /** What it shows and how to read it, in paragraphs. */
  readonly about: string
  readonly options: O
  /** Each a command line, without the program's name, and what it is good for. */
  readonly examples: readonly (readonly [line: string, purpose: string])[]
  /** Most words that it takes besides options. Default none. */
  readonly maxWords?: number
  /** Fulfils with what the process is to end with, when that is not 0. */
  run(values: Values<O>, words: readonly string[], world: World): Promise<number | void>
}

/** A command as it was written, with the types of its own options. */
export function command<const O extends Options>(definition: Command<O>): Command<O> {
  return definition
}
