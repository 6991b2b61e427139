import type { Values, World } from './command.js'
import { controlPlaneUrl } from './source-options.js'
import { printJson, printLines, type Terminal } from './terminal.js'
import type { TokenOptions } from './token-options.js'
import { verdictOn, type Verdict } from './token-verdict.js'
import { partsOf, tokenLines, type TokenParts } from './token-words.js'
import { readUrl } from './arguments.js'
import { UsageError } from './usage-error.js'
import { lineOf } from './width.js'

/** Larger than any token that a header may carry. */
const MAX_CHARACTERS = 64 * 1024

/** Explains a token; fulfils with 1 when a service would not take it, or when that could not be found out although it was to be. */
export async function inspect({ issuer: named, audience, offline, json }: Values<TokenOptions>, given: string | undefined, world: World): Promise<number> {
  const { out, env } = world
  const token = withoutScheme(given === undefined || given === '-' ? await allOf(world) : given)
  const parts = partsOf(token)
  if (parts === undefined) throw new Error('This is no signed token (JWS): it is not base64url of JSON, a dot, and the same again')
  const issuer = issuerOf(named, env)
  const verdict = offline ? { verified: null, reason: 'nobody was asked' } : await verdictOn(token, parts, { issuer, audience }, world)
  printToken(out, parts, verdict, json, world)
  return verdict.verified === true || offline === true ? 0 : 1
}

/** Who is trusted: by the option, or the control plane. */
export function issuerOf(named: string | undefined, env: NodeJS.ProcessEnv): string {
  return named === undefined ? controlPlaneUrl(undefined, env) : readUrl(named, '--issuer')
}

/** What a token says, and whether it is believed. */
export function printToken(out: Terminal, parts: TokenParts, { verified, reason }: Verdict, json: boolean | undefined, { clock }: World, more: object = {}): void {
  if (json) return printJson(out, { ...parts, verified, reason, ...more })
  const [word, paint] = verified === null ? (['not checked', out.style.warn] as const) : verified ? (['yes', out.style.good] as const) : (['no', out.style.bad] as const)
  printLines(out, [
    ...tokenLines(parts, clock.epochMs(), out.style, out.columns),
    out.style.bold('Verified'),
    paint(lineOf(`  ${word}: ${reason}`, out.columns)),
  ])
}

/** What was piped, without the words that stand before a token in a header. */
function withoutScheme(text: string): string {
  return text.trim().replace(/^(?:authorization:\s*)?(?:bearer|dpop)\s+/i, '')
}

/** Standard input, to its end. */
export async function allOf({ stdin, err }: Pick<World, 'stdin' | 'err'>): Promise<string> {
  if (stdin.isTTY) err.write('Reading from standard input; Ctrl-D ends it\n')
  let text = ''
  for await (const chunk of stdin.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk
    if (text.length > MAX_CHARACTERS) throw new UsageError(`standard input holds more than ${MAX_CHARACTERS} characters`)
  }
  return text
}
