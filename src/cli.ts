#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { isMeshError } from './base/errors.js'
import { version } from './base/version.js'
import { dev, OTLP_PORT } from './cli/dev.js'
import { UsageError } from './cli/usage-error.js'
import { controlPlaneDefaults } from './control-plane/control-plane.js'

const HELP = `sidecarless: a service mesh without the sidecar

Usage
  sidecarless dev [options]    start the control plane: registry, identity and monitoring
  sidecarless --help           show this
  sidecarless --version        show the version

The control plane is for one machine: it listens on loopback only and keeps everything in memory. Services that use
sidecarless find it by themselves on port ${controlPlaneDefaults.port}; all they need is the client secret that it prints.

Options of dev
  --port <number>     port to listen on; 0 takes any free one (default ${controlPlaneDefaults.port})
  --host <address>    loopback address to listen on (default ${controlPlaneDefaults.host})
  --secret <text>     what services authenticate with (default: $MESH_CLIENT_SECRET, or a random one that is printed);
                      prefer the variable, since a command line can be read by others
  --no-otlp           do not take OpenTelemetry data on port ${OTLP_PORT} as well

Examples
  sidecarless dev
  MESH_CLIENT_SECRET=hush sidecarless dev --port 7200
`

async function main(args: readonly string[]): Promise<void> {
  const { values, positionals } = parse(args)
  const [command, ...rest] = positionals
  if (values.help) return void process.stdout.write(HELP)
  if (values.version) return void process.stdout.write(`${version}\n`)
  if (command === undefined) throw new UsageError('a command is missing: sidecarless dev starts the control plane')
  if (command !== 'dev') throw new UsageError(`unknown command '${command}': the one command is dev`)
  if (rest.length > 0) throw new UsageError(`dev takes no arguments, and here is '${rest[0]}'`)
  await dev(values)
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        version: { type: 'boolean', short: 'v', default: false },
        port: { type: 'string' },
        host: { type: 'string' },
        secret: { type: 'string' },
        'no-otlp': { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const isUsage = error instanceof UsageError || isMeshError(error, 'MESH_ERR_OPTION')
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(isUsage ? `${message}\nTry sidecarless --help\n` : `${message}\n`)
  process.exitCode = isUsage ? 2 : 1
})
