import type { Options } from './command.js'

/** Options of `token mint` and `token inspect`. */
export const tokenOptions = {
  service: { type: 'string', value: '<service>', about: 'mint: who asks, the caller' },
  audience: { type: 'string', value: '<service>', about: 'mint: whom the token is for, the called service; inspect: who is to take it (default: whom it names)' },
  'secret-file': { type: 'string', value: '<path>', about: 'mint: file that holds the secret of the service, - for standard input (default: $MESH_CLIENT_SECRET)' },
  secret: { type: 'string', value: '<text>', about: 'mint: the secret itself, which others can read in the list of processes and which stays in the history of the shell' },
  issuer: { type: 'string', value: '<url>', about: 'who mints, or whose keys verify (default: the control plane, as for the other commands)' },
  offline: { type: 'boolean', about: 'inspect: ask no issuer, only explain' },
  reveal: { type: 'boolean', about: 'mint: print the token itself, and what it says beside it' },
  json: { type: 'boolean', about: 'print JSON for programs' },
} as const satisfies Options

export type TokenOptions = typeof tokenOptions
