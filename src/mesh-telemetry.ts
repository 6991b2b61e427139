import { openAdmin, type Admin } from './admin/listener.js'
import type { Clock } from './base/clock.js'
import type { Random } from './base/random.js'
import { version } from './base/version.js'
import type { Events } from './call/events.js'
import type { MeshHealth } from './lifecycle/health.js'
import type { MeshSettings } from './mesh-options.js'
import type { MeshSnapshot } from './mesh-snapshot.js'
import type { ServiceExplanation } from './service-report.js'
import { countEvents } from './telemetry/event-metrics.js'
import { Metrics } from './telemetry/metrics.js'
import { observationsOf } from './telemetry/observations.js'
import { prometheusText } from './telemetry/prometheus.js'
import { Tracing } from './telemetry/tracing.js'

/** What is to be seen of a mesh. */
export interface Visible {
  snapshot(): MeshSnapshot
  explain(name: string): ServiceExplanation
  health(): MeshHealth
}

export interface TelemetryGround {
  readonly settings: MeshSettings
  readonly events: Events
  readonly clock: Clock
  readonly random: Random
}

/** The spans and figures of one mesh, and the listener at which they may be had. */
export class MeshTelemetry {
  readonly tracing = new Tracing(version)
  readonly metrics: Metrics
  readonly #service: string
  readonly #admin: Admin | undefined

  constructor(mesh: Visible, { settings, events, clock, random }: TelemetryGround) {
    const { service, admin } = settings
    this.#service = service
    this.metrics = new Metrics({ version, observe: () => observationsOf(mesh.snapshot()) })
    countEvents(events, this.metrics)
    if (admin === undefined) return
    // A name that nobody calls is not followed for being asked about.
    const explain = (name: string): ServiceExplanation | undefined => (Object.hasOwn(mesh.snapshot().services, name) ? mesh.explain(name) : undefined)
    const views = { metrics: () => this.text(), snapshot: () => mesh.snapshot(), explain, health: () => mesh.health() }
    this.#admin = openAdmin(admin, { service, views, events, clock, random })
  }

  get adminUrl(): Promise<string> | undefined {
    return this.#admin?.url
  }

  text(): string {
    return prometheusText(this.metrics.collect(), this.#service)
  }

  async close(): Promise<void> {
    this.metrics.close()
    await this.#admin?.close()
  }
}
