#!/usr/bin/env node
import { isMeshError } from './base/errors.js'
import { systemClock } from './base/clock.js'
import { systemRandom } from './base/random.js'
import { version } from './base/version.js'
import { asksForHelp, readArguments } from './cli/arguments.js'
import type { World } from './cli/command.js'
import { commands } from './cli/commands.js'
import { helpOf, overview } from './cli/help.js'
import { didYouMean } from './cli/nearest.js'
import { terminalOf } from './cli/terminal.js'
import { UsageError } from './cli/usage-error.js'

const { stdout, stderr, stdin, env } = process
const world: World = { out: terminalOf(stdout, env), err: terminalOf(stderr, env), env, stdin, clock: systemClock, random: systemRandom }

async function main([name, ...rest]: readonly string[]): Promise<void> {
  const [first, args] = name === 'help' ? [rest[0], ['--help']] : [name, rest]
  if (first === undefined && name === undefined) throw new UsageError('a command is missing: sidecarless dev starts the control plane, sidecarless top shows the mesh')
  if (first === undefined || first === '--help' || first === '-h') return world.out.write(overview(commands))
  if (first === '--version' || first === '-v') return world.out.write(`${version}\n`)
  const entry = commands.find((one) => one.name === first)
  if (entry === undefined) throw new UsageError(unknownCommand(first))
  const command = await entry.load()
  if (asksForHelp(args)) return world.out.write(helpOf(command))
  const { values, words } = readArguments(first, command, args)
  process.exitCode = (await command.run(values, words, world)) ?? 0
}

function unknownCommand(written: string): string {
  const names = commands.map(({ name }) => name)
  if (written.startsWith('-')) return `the command comes first, and here is '${written}'`
  return `unknown command '${written}'${didYouMean(written, names)}: there are ${names.join(', ')}`
}

// `| head` has read enough: that is no failure, and nobody is left to tell.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
}

const args = process.argv.slice(2)
// The sockets of the errands below do not keep a process alive; what was asked for does.
const hold = systemClock.afterHolding(Infinity, () => {})
main(args)
  .catch((error: unknown) => {
    const isUsage = error instanceof UsageError || isMeshError(error, 'MESH_ERR_OPTION')
    const message = error instanceof Error ? error.message : String(error)
    const command = commands.some(({ name }) => name === args[0]) ? `${args[0]} ` : ''
    stderr.write(isUsage ? `${message}\nTry sidecarless ${command}--help\n` : `${message}\n`)
    process.exitCode = isUsage ? 2 : 1
  })
  .finally(() => hold.cancel())
