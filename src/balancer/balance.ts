import type { Clock } from '../base/clock.js'
import { isMeshError, MeshError } from '../base/errors.js'
import type { Random } from '../base/random.js'
import type { Call } from '../call/call.js'
import type { Events } from '../call/events.js'
import type { Handler } from '../call/layer.js'
import type { PickReasons } from '../call/pick.js'
import type { Reply } from '../call/reply.js'
import type { EndpointSet } from './endpoint-set.js'
import type { Fleet } from './fleet.js'
import { candidates, withRoom } from './level.js'
import type { Node } from './node.js'
import type { Picker } from './picker.js'

export interface BalanceOptions {
  readonly endpoints: EndpointSet
  readonly fleet: Fleet
  readonly picker: Picker
  readonly clock: Clock
  readonly random: Random
  readonly events: Events
  /** Whether anybody records why an endpoint is picked. */
  readonly recorded: () => boolean
  /** Attempts under way at one endpoint; Infinity for any number. */
  readonly maxInFlight: number
}

/**
 * THE DOOR: the only stage that turns a call into an attempt. With a picture of the service at hand it picks and hands
 * on at once; without one it waits for the first snapshot, for as long as the call has time.
 */
export function balance({ endpoints, fleet, picker, clock, random, events, recorded, maxInFlight }: BalanceOptions): Handler<Call> {
  const { service } = endpoints

  const dispatch = (call: Call): Promise<Reply> => {
    const { cancellation } = call
    // A call that was given up on its way here is charged to no endpoint.
    if (cancellation.reason !== undefined) return Promise.reject(cancellation.reason)
    let offered = candidates(endpoints.levels, call.tried, random)
    // An endpoint that may come back is shown by a first try, which has others left.
    const due = call.tried.length === 0 ? fleet.due() : undefined
    let node = due ?? picker.pick(offered, call)
    if (node === undefined) return Promise.reject(noEndpoints(endpoints, call))
    // Looked at after the pick: while nobody is full, that is all that it costs.
    if (node.inFlight >= maxInFlight) {
      offered = withRoom(offered, endpoints.levels, call.tried, maxInFlight)
      node = picker.pick(offered, call)
      if (node === undefined) return Promise.reject(noRoom(endpoints, call, maxInFlight))
    }
    const { endpoint } = node
    // Before it goes there, so that an attempt made meanwhile goes elsewhere.
    call.tried.push(endpoint.id)
    if (events.heard('picked')) {
      const score = picker.costMs?.(node, clock.now())
      events.emit('picked', { service, endpoint: endpoint.id, resends: call.resends, candidates: offered.length, score })
    }
    // One that is shown again was chosen among no others.
    const pick = recorded() ? reasonsFor(node, node === due ? 1 : offered.length) : undefined
    return node.handle({ call, endpoint, headers: call.headers, cancellation, pick })
  }

  const reasonsFor = (node: Node, count: number): PickReasons => ({
    candidates: count,
    excluded: endpoints.size - count,
    inFlight: node.inFlight,
    ...picker.partsOf?.(node, clock.now()),
  })

  const dispatchWhenReady = async (call: Call): Promise<Reply> => {
    try {
      await endpoints.whenReady(call.cancellation)
    } catch (reason) {
      throw isMeshError(reason, 'MESH_ERR_DEADLINE') ? notReady(endpoints, call, reason) : reason
    }
    return dispatch(call)
  }

  return (call) => (endpoints.isReady ? dispatch(call) : dispatchWhenReady(call))
}

function notReady({ service, registry }: EndpointSet, { timeoutMs, resends }: Call, cause: unknown): MeshError {
  const message = `${service}: registry '${registry}' has told nothing within the call's ${timeoutMs} ms; is it reachable?`
  return new MeshError('MESH_ERR_NOT_READY', message, { service, attempts: resends, cause })
}

function noEndpoints({ service, registry, all }: EndpointSet, { resends }: Call): MeshError {
  const known = all.length === 0 ? 'knows no instance of it' : `knows ${all.length} of it, none of them ready`
  const message = `${service}: registry '${registry}' ${known}; is the service running and registered?`
  return new MeshError('MESH_ERR_NO_ENDPOINTS', message, { service, attempts: resends })
}

function noRoom({ service }: EndpointSet, { resends }: Call, maxInFlight: number): MeshError {
  const message = `${service}: each of its endpoints has ${maxInFlight} attempts under way, all that limits.maxInFlightPerEndpoint allows`
  // Of what was tried before, this refusal knows nothing.
  return new MeshError('MESH_ERR_LIMIT', message, { service, attempts: resends, processed: resends === 0 ? 'no' : 'maybe' })
}
