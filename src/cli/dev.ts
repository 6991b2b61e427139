import { systemClock } from '../base/clock.js'
import { controlPlaneDefaults, createControlPlane } from '../control-plane/control-plane.js'
import type { ControlPlane, ControlPlaneOptions } from '../control-plane/control-plane.js'
import { command, type Options, type Values } from './command.js'
import { UsageError } from './usage-error.js'

/** Where it listens for OTLP besides its own port: where SDKs send it when nobody tells them. */
const OTLP_PORT = 4318

const devOptions = {
  port: { type: 'string', value: '<number>', about: `port to listen on; 0 takes any free one (default ${controlPlaneDefaults.port})` },
  host: { type: 'string', value: '<address>', about: `loopback address to listen on (default ${controlPlaneDefaults.host})` },
  secret: {
    type: 'string',
    value: '<text>',
    about: 'what services authenticate with (default: $MESH_CLIENT_SECRET, or a random one that is printed); prefer the variable, since a command line can be read by others',
  },
  state: {
    type: 'string',
    value: '<file>',
    about: 'keep signing keys and the random secret in this file, readable for you alone, so that services go on through a restart as if nothing had been (default: none, a restart begins anew)',
  },
  'no-otlp': { type: 'boolean', about: `do not take OpenTelemetry data on port ${OTLP_PORT} as well` },
} as const satisfies Options

export const devCommand = command({
  usage: ['dev [options]'],
  about: `Starts the control plane: registry, identity and monitoring in one process, and a page that shows the mesh. It is for one
machine: it listens on loopback only and keeps everything in memory, but for what --state keeps. Services that use sidecarless find it by themselves
on port ${controlPlaneDefaults.port}; all they need is the client secret that it prints.

SIGUSR2 makes the next signing key now instead of within a day; no token is lost by it.`,
  options: devOptions,
  examples: [
    ['dev', 'all that a mesh on this machine needs'],
    ['dev --state ~/.local/state/sidecarless.json', 'with keys and a secret that outlive a restart'],
    ['MESH_CLIENT_SECRET=hush sidecarless dev --port 7200', 'with a secret that your services have already, on another port'],
  ],
  run: dev,
})

type DevValues = Values<typeof devOptions>

/** Starts it and prints what services need of it; ends with SIGINT or SIGTERM. */
async function dev(values: DevValues): Promise<void> {
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

function greeting({ url, otlpUrl, clientSecret }: ControlPlane, isOwnSecret: boolean, values: DevValues): string {
  const otlpUrls = otlpUrl === undefined ? url : `${otlpUrl} and ${url}`
  const isOtlpTaken = values['no-otlp'] !== true && otlpUrl === undefined
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
  monitoring   ${url}/   (or: sidecarless top)   OTLP: ${otlpUrls}${isOtlpTaken ? ` (port ${OTLP_PORT} is taken)` : ''}

Give this to your services:
  export ${variables.join(' ')}
${isOwnSecret ? '' : '  and the MESH_CLIENT_SECRET that was given here\n'}
Ctrl+C ends it.
`
}
