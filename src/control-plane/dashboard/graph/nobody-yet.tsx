import type { JSX } from 'preact'
import { CopyLine } from '../parts/copy-line.js'

/** What to do when nothing has come in: the lines that make it come. */
export function NobodyYet(): JSX.Element {
  const { origin } = location
  return (
    <section class="empty" aria-label="No service yet">
      <h2>No service has joined yet</h2>
      <p>Two lines in a Node service, and it shows up here within a second:</p>
      <CopyLine text="import { consul, createMesh } from 'sidecarless'" />
      <CopyLine
        text={`const mesh = createMesh({ service: 'orders', registry: consul(), identity: { issuer: '${origin}', clientSecret: process.env.MESH_CLIENT_SECRET } })`}
      />
      <p>
        <code>mesh.register(&#123; port &#125;)</code> makes it one that others find. The secret is in the words that the control plane started
        with.
      </p>
      <h2>Or watch what is there already</h2>
      <p>Any service with an OpenTelemetry SDK, in any language, when it is started with:</p>
      <CopyLine text={`export OTEL_EXPORTER_OTLP_ENDPOINT=${origin} OTEL_EXPORTER_OTLP_PROTOCOL=http/json`} />
    </section>
  )
}
