import { createEndpointSet } from './balancer/endpoint-set.js'
import { Fleet } from './balancer/fleet.js'
import type { Flight } from './balancer/flight.js'
import { candidates } from './balancer/level.js'
import { levelsOf } from './balancer/locality.js'
import type { Node } from './balancer/node.js'
import { createPicker } from './balancer/picker.js'
import { subsetLevels } from './balancer/subset.js'
import type { Clock } from './base/clock.js'
import { MeshError } from './base/errors.js'
import type { Random } from './base/random.js'
import { Cancellation } from './call/cancellation.js'
import type { Call } from './call/call.js'
import type { Endpoint } from './call/endpoint.js'
import { Events, type MeshEvents } from './call/events.js'
import type { HeaderList } from './call/headers.js'
import { formatLoadReport, LOAD_REPORT_HEADER, type LoadReport } from './call/load-report.js'
import { NOT_PROCESSED_HEADER, SPILLED_HEADER } from './call/outcome.js'
import { layerPolicy, type BalancerOptions, type ServiceOptions } from './call/policy.js'
import type { Reply } from './call/reply.js'
import { serviceOptions } from './call/service-options.js'
import { endpointReport, type EndpointReport } from './endpoint-report.js'
import { policyDefaults } from './policy-defaults.js'

type Further = Pick<ServiceOptions, 'outlier' | 'slowStart' | 'locality' | 'subset'>

/** Whatever a mesh can be told about balancing; what is left out is as in a mesh. */
export interface BalancerLabOptions extends BalancerOptions, Further {
  readonly clock: Clock
  readonly random: Random
  /** This client among all; decides which endpoints are its subset. Default `lab`. */
  readonly clientId?: string | undefined
}

/** An endpoint of a simulated service; what is left out is as a registry would have it. */
export type LabEndpoint = Pick<Endpoint, 'id'> & Partial<Endpoint>

/** What was picked. */
export interface LabNode {
  readonly id: string
}

/** A request under way; opaque. */
export interface LabAttempt {
  readonly node: LabNode
}

/** How a request ended, at the clock's present time. */
export interface LabResult {
  /** Status of the answer. Default 200. */
  readonly status?: number | undefined
  /** There was no answer: not connected, the connection broke, time was over, or the caller gave up. */
  readonly error?: 'connect' | 'connection' | 'timeout' | 'cancelled' | undefined
  /** `no`: the server refused with its "not processed" marker. */
  readonly processed?: 'no' | undefined
  /** The server refused, before any work, a request that would have taken it so long, since others are probably freer. */
  readonly spilledMs?: number | undefined
  /** Seconds of a Retry-After field. */
  readonly retryAfterSec?: number | undefined
  /** What the server says about its load in its answer. */
  readonly report?: LoadReport | undefined
}

/** The balancer of one client of one service, with the network left to somebody else. */
export interface BalancerLab {
  /** What the registry says from now on. */
  setEndpoints(endpoints: readonly LabEndpoint[]): void
  /** Where the next request goes: not to the `tried` while there are others. Undefined: there is nothing to pick from. */
  pick(tried?: readonly string[], headers?: HeaderList): LabNode | undefined
  /** How long a request may be expected to take elsewhere, in ms: what an endpoint may refuse it for. 0: it is not to be offered. */
  offerMs(): number
  /** A request to `node` begins, at the clock's present time. */
  begin(node: LabNode): LabAttempt
  /** It ends; without a result, with a 200. */
  end(attempt: LabAttempt, result?: LabResult): void
  /** Every endpoint with its state and score. */
  explain(): readonly EndpointReport[]
  /** Listens to the news: picked, ejected, readmitted, endpoints. */
  on<K extends keyof MeshEvents>(name: K, listener: (event: MeshEvents[K]) => void): () => void
}

/**
 * Makes the balancer of one client as it runs in a mesh (the same picker, measures, slow start and outlier detection) on a
 * clock and a source of chance of your own, so that a simulation can drive it.
 */
export function createBalancerLab(options: BalancerLabOptions): BalancerLab {
  const { clock, random, clientId = 'lab', outlier, slowStart, locality, subset, ...balancer } = options
  const wanted = serviceOptions({ outlier, slowStart, locality, subset, balancer }, '')
  const { policy } = layerPolicy(policyDefaults, [{ origin: 'lab', options: wanted }])
  const events = new Events()
  const fleet = new Fleet({ service: SERVICE, clock, random, events })
  fleet.follow(policy)
  const picker = createPicker(policy.balancer, { clock, random, standard: fleet })
  const endpoints = createEndpointSet({
    service: SERVICE,
    registry: 'lab',
    events,
    connect: () => ({ handle: () => Promise.reject(noAnswer('connect')), close: async () => {} }),
    draw: (known) => {
      fleet.adopt(known)
      return subsetLevels(levelsOf(known, NOWHERE, policy.locality), policy.subset, clientId)
    },
  })
  const plainCall = callWith([])
  let revision = 0
  return {
    setEndpoints: (given) => endpoints.apply({ service: SERVICE, revision: ++revision, endpoints: given.map(whole), policy: {} }),
    pick(tried = NONE, headers) {
      const offered = candidates(endpoints.levels, tried, random)
      const call = headers === undefined ? plainCall : callWith(headers)
      return (tried.length === 0 ? fleet.due() : undefined) ?? picker.pick(offered, call)
    },
    offerMs: () => fleet.offers.priceMs,
    begin: (node) => fleet.begin(node as Node),
    end(attempt, result = {}) {
      const flight = attempt as Flight<Node>
      if (result.error !== undefined) fleet.failed(flight, noAnswer(result.error))
      else fleet.ended(flight, fleet.answered(flight, headOf(result)), undefined)
    },
    explain: () => endpoints.all.map((node) => endpointReport(node, fleet, clock.now())),
    on: (name, listener) => events.on(name, listener),
  }
}

const SERVICE = 'lab'
const NONE: readonly string[] = []
const NOWHERE = { zone: undefined, region: undefined }

function headOf({ spilledMs, status = spilledMs === undefined ? 200 : 503, processed = spilledMs === undefined ? undefined : 'no', retryAfterSec, report }: LabResult): Pick<Reply, 'status' | 'headers'> {
  const headers: Record<string, string> = {}
  if (processed === 'no') headers[NOT_PROCESSED_HEADER] = '1'
  if (spilledMs !== undefined) headers[SPILLED_HEADER] = String(Math.round(spilledMs))
  if (retryAfterSec !== undefined) headers['retry-after'] = String(retryAfterSec)
  if (report !== undefined) headers[LOAD_REPORT_HEADER] = formatLoadReport(report)
  return { status, headers }
}

const ERRORS = {
  connect: { code: 'MESH_ERR_CONNECT', processed: 'no' },
  connection: { code: 'MESH_ERR_CONNECTION', processed: 'maybe' },
  timeout: { code: 'MESH_ERR_ATTEMPT_TIMEOUT', processed: 'maybe' },
  cancelled: { code: 'MESH_ERR_ABORTED', processed: 'maybe' },
} as const

function noAnswer(error: NonNullable<LabResult['error']>): MeshError {
  const { code, processed } = ERRORS[error]
  return new MeshError(code, `a simulated failure: ${error}`, { service: SERVICE, processed })
}

function whole(endpoint: LabEndpoint): Endpoint {
  const silent = { host: endpoint.id, port: 80, weight: 1, status: 'ready', priority: 0, metadata: {} } as const
  return { zone: undefined, region: undefined, ...silent, ...endpoint }
}

function callWith(headers: HeaderList): Call {
  return {
    service: 'lab',
    method: 'GET',
    path: '/',
    template: undefined,
    headers,
    body: null,
    startedAt: 0,
    timeoutMs: Infinity,
    attemptTimeoutMs: Infinity,
    priority: 'normal',
    cancellation: new Cancellation(),
    idempotent: undefined,
    once: false,
    chain: undefined,
    resends: 0,
    hedge: false,
    tried: [],
  }
}
