import { readFile } from 'node:fs/promises'
import { bySecret } from '../auth/client-authentication.js'
import { createIssuerTokens } from '../auth/issuer-tokens.js'
import { createHttpClient } from '../base/http.js'
import { serviceName } from '../base/validate.js'
import type { Values, World } from './command.js'
import type { TokenOptions } from './token-options.js'
import { allOf, issuerOf, printToken } from './token-inspect.js'
import { ISSUER_TIMEOUT_MS, verdictOn } from './token-verdict.js'
import { partsOf } from './token-words.js'
import { UsageError } from './usage-error.js'

/** Asks the issuer for a token and explains it; the token itself is printed only when that was asked for. */
export async function mint(values: Values<TokenOptions>, world: World): Promise<void> {
  const { audience, reveal, json } = values
  const service = given(values.service, '--service', 'who asks')
  const called = given(audience, '--audience', 'whom the token is for')
  const issuer = issuerOf(values.issuer, world.env)
  const token = await tokenFrom(issuer, service, await secretOf(values, world), called, world)
  const parts = partsOf(token)
  if (reveal && !json) world.out.write(`${token}\n`)
  if (parts === undefined) return world.err.write('The issuer gave a token that is no JWS: what it says cannot be shown\n')
  const verdict = await verdictOn(token, parts, { issuer, audience: called }, world)
  // With --reveal the token stands alone on standard output, for $(…).
  printToken(reveal && !json ? world.err : world.out, parts, verdict, json, world, reveal ? { token } : {})
}

function given(name: string | undefined, option: string, meaning: string): string {
  if (name === undefined) throw new UsageError(`token mint: ${option} is missing, ${meaning}`)
  return serviceName(name, option)
}

async function tokenFrom(issuer: string, service: string, secret: string, audience: string, { clock, random }: World): Promise<string> {
  const http = createHttpClient(clock)
  const access = { issuer, http, timeoutMs: ISSUER_TIMEOUT_MS, tokenEndpoint: undefined, clock, random }
  const tokens = createIssuerTokens({ ...access, authentication: bySecret(service, secret) })
  try {
    return await tokens.token(audience)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`${message}${adviceFor(message, service, audience)}`, { cause: error })
  } finally {
    tokens.close?.()
    await http.close()
  }
}

function adviceFor(message: string, service: string, audience: string): string {
  if (message.includes('invalid_client')) return `\nThe secret is not the one that the issuer has for '${service}': see --secret-file, MESH_CLIENT_SECRET`
  if (message.includes('invalid_target')) return `\nThe issuer does not let '${service}' call '${audience}'`
  return message.includes('failed:') ? `\nStart a control plane with 'sidecarless dev', or say who mints with --issuer` : ''
}

/** The secret from where the command line says, or from the environment. */
async function secretOf({ secret, 'secret-file': path }: Values<TokenOptions>, world: World): Promise<string> {
  if (secret !== undefined && path !== undefined) throw new UsageError('token mint: either --secret or --secret-file')
  if (secret !== undefined) {
    world.err.write('Warning: a secret on the command line can be read in the list of processes and stays in the history of your shell; MESH_CLIENT_SECRET and --secret-file do neither\n')
    return secret
  }
  const found = path === undefined ? world.env['MESH_CLIENT_SECRET'] : (await (path === '-' ? allOf(world) : readFile(path, 'utf8'))).replace(/\r?\n$/, '')
  if (found) return found
  throw new UsageError(path === undefined ? 'token mint: the secret is missing: set MESH_CLIENT_SECRET, or give --secret-file' : `--secret-file: ${path} is empty`)
}
