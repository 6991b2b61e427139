import { callable } from '../base/validate.js'
import type { Arrival, InboundReply } from '../call/inbound.js'
import type { Handler } from '../call/layer.js'
import type { InboundMesh } from '../inbound.js'
import type { InboundOptions } from '../inbound-options.js'

const readMesh = callable<InboundMesh>('what createMesh has made', 'inbound')

/** The way that an edge's requests take. Throws `MESH_ERR_OPTION`, also for what is no mesh. */
export function edgeOf(mesh: InboundMesh, options: InboundOptions): Handler<Arrival, InboundReply> {
  return readMesh(mesh, 'mesh').inbound(options)
}
