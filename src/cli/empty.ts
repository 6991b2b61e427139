/** What to do when the control plane has nothing to show. */
export function emptyMesh(url: string): string {
  return `No service is registered at ${url}, and none has sent spans. Services join with mesh.register(), and are seen
when an OpenTelemetry SDK sends their spans: OTEL_EXPORTER_OTLP_ENDPOINT=${url}
`
}
