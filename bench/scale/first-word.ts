import { entriesOf } from './entries.js'
import { createToldMesh } from './told-mesh.js'

/** A process that is told of a large service as soon as it has started: tells its parent how long that took. */
const entries = entriesOf(Number(process.argv[2]))
const { mesh, tell } = createToldMesh()
process.send!(await tell(entries))
await mesh.close()
process.disconnect()
