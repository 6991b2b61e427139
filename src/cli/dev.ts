import { createControlPlane } from '../control-plane/control-plane.js'
import type { ControlPlane, ControlPlaneOptions } from '../control-plane/control-plane.js'
import { UsageError } from './usage-error.js'

/** Where it listens for OTLP besides its own port: where SDKs send it when nobody tells them. */
export const OTLP_PORT = 4318

/** The options of `sidecarless dev`, as they were written. */
export interface DevValues {
  readonly port?: string | undefined
  readonly host?: string | undefined
  readonly secret?: string | undefined
  readonly 'no-otlp'?: boolean | undefined
}

/** Starts the control plane and prints what services need of it; ends with SIGINT or SIGTERM. */
export async function dev(values: DevValues): Promise<void> {
  const givenSecret = values.secret ?? (process.env['MESH_CLIENT_SECRET'] || undefined)
  const options: ControlPlaneOptions = {
    ...(values.port === undefined ? {} : { port: portNumber(values.port) }),
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values['no-otlp'] ? {} : { otlpPort: OTLP_PORT }),
    ...(givenSecret === undefined ? {} : { clientSecret: givenSecret }),
  }
  const controlPlane = await createControlPlane(options)
  process.stdout.write(greeting(controlPlane, givenSecret === undefined, values['no-otlp'] !== true))
  const end = (): void => void controlPlane.close()
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}

function portNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new UsageError(`--port: expected a whole number from 0 to 65535, got '${text}'`)
  return Number(text)
}

function greeting({ url, otlpUrl, clientSecret }: ControlPlane, isNewSecret: boolean, wantsOtlp: boolean): string {
  const otlpUrls = otlpUrl === undefined ? url : `${otlpUrl} and ${url}`
  const isOtlpTaken = wantsOtlp && otlpUrl === undefined
  const variables = [
    ...(isNewSecret ? [`MESH_CLIENT_SECRET=${clientSecret}`] : []),
    `CONSUL_HTTP_ADDR=${new URL(url).host}`,
    `OTEL_EXPORTER_OTLP_ENDPOINT=${url}`,
    'OTEL_EXPORTER_OTLP_PROTOCOL=http/json',
  ]
  return `sidecarless control plane on ${url}, for this machine only; everything is kept in memory
  registry     ${url}/v1/ (Consul's HTTP API)   ${url}/prometheus/targets
  identity     ${url}/oauth2/token   ${url}/.well-known/openid-configuration
  monitoring   ${url}/api/edges   OTLP as JSON: ${otlpUrls}${isOtlpTaken ? ` (port ${OTLP_PORT} is taken)` : ''}

Give this to your services:
  export ${variables.join(' ')}
${isNewSecret ? '' : '  and the MESH_CLIENT_SECRET that was given here\n'}
Ctrl+C ends it.
`
}
