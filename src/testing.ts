export { createControlPlane, type ControlPlane, type ControlPlaneOptions } from './control-plane/control-plane.js'
export { memory } from './discovery/memory.js'
export { seededRandom } from './base/random.js'
