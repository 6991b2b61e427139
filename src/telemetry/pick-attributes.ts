import type { Attributes } from '@opentelemetry/api'
import type { PickReasons } from '../call/pick.js'
import {
  MESH_PICK_CANDIDATES,
  MESH_PICK_COST_MS,
  MESH_PICK_EXCLUDED,
  MESH_PICK_IN_FLIGHT,
  MESH_PICK_LATENCY_MS,
  MESH_PICK_RAMP,
  MESH_PICK_REPORT,
  MESH_PICK_STALLED,
  MESH_PICK_SUCCESS_RATIO,
  MESH_PICK_WEIGHT,
} from './attributes.js'

/** Why an attempt goes where it goes, as its span says it. What the algorithm knows nothing of is left out. */
export function pickAttributes(pick: PickReasons): Attributes {
  return {
    [MESH_PICK_CANDIDATES]: pick.candidates,
    [MESH_PICK_EXCLUDED]: pick.excluded,
    [MESH_PICK_IN_FLIGHT]: pick.inFlight,
    ...(pick.costMs !== undefined && { [MESH_PICK_COST_MS]: pick.costMs }),
    ...(pick.latencyMs !== undefined && { [MESH_PICK_LATENCY_MS]: pick.latencyMs }),
    ...(pick.stalled === true && { [MESH_PICK_STALLED]: true }),
    ...(pick.successRatio !== undefined && { [MESH_PICK_SUCCESS_RATIO]: pick.successRatio }),
    ...(pick.ramp !== undefined && { [MESH_PICK_RAMP]: pick.ramp }),
    ...(pick.weight !== undefined && { [MESH_PICK_WEIGHT]: pick.weight }),
    ...(pick.report !== undefined && { [MESH_PICK_REPORT]: pick.report }),
  }
}
