#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { systemClock } from './base/clock.js'
import { isMeshError } from './base/errors.js'
import { version } from './base/version.js'
import { controlPlaneDefaults, createControlPlane } from './control-plane/control-plane.js'
import type { ControlPlane, ControlPlaneOptions } from './control-plane/control-plane.js'

const OTLP_PORT = 4318

const HELP = `sidecarless: a service mesh without the sidecar

Usage
  sidecarless dev [options]    start the control plane: registry, identity and monitoring
  sidecarless --help           show this
  sidecarless --version        show the version

The control plane is for one machine: it listens on loopback only and keeps everything in memory, but for what --state
keeps. Services that use sidecarless find it by themselves on port ${controlPlaneDefaults.port}; all they need is the client secret that it
prints.

Options of dev
  --port <number>     port to listen on; 0 takes any free one (default ${controlPlaneDefaults.port})
  --host <address>    loopback address to listen on (default ${controlPlaneDefaults.host})
  --secret <text>     what services authenticate with (default: $MESH_CLIENT_SECRET, or a random one that is printed);
                      prefer the variable, since a command line can be read by others
  --state <file>      keep signing keys and the random secret in this file, readable for you alone, so that services
                      go on through a restart as if nothing had been (default: none, a restart begins anew)
  --no-otlp           do not take OpenTelemetry data on port ${OTLP_PORT} as well

SIGUSR2 makes the next signing key now instead of within a day; no token is lost by it.

Examples
  sidecarless dev
  sidecarless dev --state ~/.local/state/sidecarless.json
  MESH_CLIENT_SECRET=hush sidecarless dev --port 7200
`

class UsageError extends Error {}

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

type Values = ReturnType<typeof parse>['values']

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
        state: { type: 'string' },
        'no-otlp': { type: 'boolean', default: false },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

async function dev(values: Values): Promise<void> {
  const givenSecret = values.secret ?? (process.env['MESH_CLIENT_SECRET'] || undefined)
  const options: ControlPlaneOptions = {
    ...(values.port === undefined ? {} : { port: portNumber(values.port) }),
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values['no-otlp'] ? {} : { otlpPort: OTLP_PORT }),
    ...(givenSecret === undefined ? {} : { clientSecret: givenSecret }),
    ...(values.state === undefined ? {} : { stateFile: values.state }),
    onStateError: ({ message }) => void process.stderr.write(`${message}\n`),
  }
  const controlPlane = await createControlPlane(options)
  const end = (): void => void controlPlane.close()
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
  // Windows has no such signal.
  if (process.platform !== 'win32') process.on('SIGUSR2', () => rotate(controlPlane))
  // Last: whoever reads it may send a signal at once.
  process.stdout.write(greeting(controlPlane, givenSecret === undefined, values))
}

function rotate(controlPlane: ControlPlane): void {
  try {
    const { kid, signsAt } = controlPlane.rotateKeys()
    const minutes = Math.ceil((signsAt - systemClock.epochMs()) / 60_000)
    process.stdout.write(`signing key ${kid} is published, and signs in ${minutes} minutes\n`)
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`)
  }
}

function portNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`--port: expected a whole number from 0 to 65535, got '${text}'`)
  return Number(text)
}

function greeting({ url, otlpUrl, clientSecret }: ControlPlane, isOwnSecret: boolean, values: Values): string {
  const otlpUrls = otlpUrl === undefined ? url : `${otlpUrl} and ${url}`
  const isOtlpTaken = !values['no-otlp'] && otlpUrl === undefined
  const variables = [
    ...(isOwnSecret ? [`MESH_CLIENT_SECRET=${clientSecret}`] : []),
    `CONSUL_HTTP_ADDR=${new URL(url).host}`,
    `OTEL_EXPORTER_OTLP_ENDPOINT=${url}`,
    'OTEL_EXPORTER_OTLP_PROTOCOL=http/json',
  ]
  const kept = values.state === undefined ? 'everything is kept in memory' : `keys and secret are kept in ${values.state}`
  return `sidecarless control plane on ${url}, for this machine only; ${kept}
  registry     ${url}/v1/ (Consul's HTTP API)   ${url}/prometheus/targets
  identity     ${url}/oauth2/token   ${url}/.well-known/openid-configuration
  monitoring   ${url}/api/edges   OTLP as JSON: ${otlpUrls}${isOtlpTaken ? ` (port ${OTLP_PORT} is taken)` : ''}

Give this to your services:
  export ${variables.join(' ')}
${isOwnSecret ? '' : '  and the MESH_CLIENT_SECRET that was given here\n'}
Ctrl+C ends it.
`
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const isUsage = error instanceof UsageError || isMeshError(error, 'MESH_ERR_OPTION')
  const message = error instanceof Error ? error.message : String(error)
  process.stderr.write(isUsage ? `${message}\nTry sidecarless --help\n` : `${message}\n`)
  process.exitCode = isUsage ? 2 : 1
})
