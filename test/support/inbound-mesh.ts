import { createFixedKeys } from '../../src/auth/keys.js'
import type { Signer } from '../../src/auth/signer.js'
import { systemClock } from '../../src/base/clock.js'
import { TimerWheel } from '../../src/base/timer-wheel.js'
import { seededRandom, systemRandom } from '../../src/base/random.js'
import { Ambient } from '../../src/call/ambient.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import { createInbound, type InboundHost, type InboundMesh } from '../../src/inbound.js'
import { Drain } from '../../src/resilience/drain.js'
import { Metrics } from '../../src/telemetry/metrics.js'
import { Tracing } from '../../src/telemetry/tracing.js'
import { createSigner } from './new-signer.js'

export const ISSUER = 'http://issuer.test'

/** The inbound half of a mesh of the service `users`, and an issuer that it trusts. */
export class InboundScene implements InboundMesh {
  readonly denied: MeshEvents['denied'][] = []
  readonly host: InboundHost
  readonly signer: Signer

  private constructor(signer: Signer, overrides: Partial<InboundHost>) {
    this.signer = signer
    this.host = {
      service: 'users',
      clock: systemClock,
      wheel: new TimerWheel(systemClock),
      events: new Events(),
      ambient: new Ambient(),
      drain: new Drain(),
      random: seededRandom(1),
      faultInjection: false,
      shedCounts: { critical: 0, normal: 0, low: 0 },
      health: () => ({ status: 'serving', ready: true }),
      tracing: new Tracing('0.0.0'),
      metrics: new Metrics({ version: '0.0.0', observe: () => [] }),
      verification: { issuer: ISSUER, keys: createFixedKeys(signer.jwks, { clock: systemClock, random: systemRandom }) },
      ...overrides,
    }
    this.host.events.on('denied', (event) => void this.denied.push(event))
  }

  static async create(overrides: Partial<InboundHost> = {}): Promise<InboundScene> {
    return new InboundScene(await createSigner({ clock: systemClock }), overrides)
  }

  readonly inbound: InboundMesh['inbound'] = (options) => createInbound(this.host, options)

  attach(): void {}

  async leave(): Promise<void> {}

  /** A good token of this service for `users`. */
  token(service: string): Promise<string> {
    return this.signer.sign({ iss: ISSUER, sub: service, aud: 'users', lifetimeMs: 300_000 })
  }

  async bearer(service: string): Promise<{ authorization: string }> {
    return { authorization: `Bearer ${await this.token(service)}` }
  }
}
