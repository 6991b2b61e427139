import { command } from './command.js'
import { inspect } from './token-inspect.js'
import { mint } from './token-mint.js'
import { tokenOptions } from './token-options.js'
import { UsageError } from './usage-error.js'

export const tokenCommand = command({
  usage: ['token mint --service <caller> --audience <called service> [options]', 'token inspect [<token>] [options]'],
  about: `mint asks the issuer for a token by which one service may call another, as a mesh does for itself, and explains it. The token
itself is printed only with --reveal: whoever has it is that service until it expires.

inspect explains a token from standard input, or from the command line, and whether the keys of the issuer verify it. It never
prints the signature, so that what it prints can be shown to others. It asks no other issuer than the one that you name.`,
  options: tokenOptions,
  examples: [
    ['token mint --service orders --audience users', 'would the issuer give orders a token for users?'],
    ['TOKEN=$(sidecarless token mint --service orders --audience users --reveal)', 'for curl -H "authorization: Bearer $TOKEN", to call users as orders'],
    ['printenv TOKEN | sidecarless token inspect', 'why is it refused?'],
  ],
  maxWords: 2,
  async run(values, [verb, ...words], world) {
    if (verb === 'mint' && words.length === 0) return mint(values, world)
    if (verb === 'inspect') return inspect(values, words[0], world)
    throw new UsageError(verb === 'mint' ? `token mint takes no arguments, and here is '${words[0]}'` : 'token: expected mint or inspect')
  },
})
