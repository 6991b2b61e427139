import { systemClock, type Clock } from '../base/clock.js'
import { MeshError } from '../base/errors.js'
import { fields, required, text } from '../base/validate.js'
import { fileContents } from './file-contents.js'
import { formatOf, installedYaml, type FileFormat, type LoadYaml } from './file-format.js'
import { unlisted } from './fixed.js'
import type { RawSnapshot, Registry } from './registry.js'
import { listedServices, type ListedService } from './services-reader.js'

type ListedServices = Readonly<Record<string, ListedService>>

/**
 * A registry that is a JSON file: `{ "services": { "users": ["127.0.0.1:8081"], "mail": { "endpoints": [], "policy": {} } } }`,
 * each service as `fixed` takes it. A path that ends in `.yaml` or `.yml` is the same in YAML and takes the package `yaml`,
 * without which the watch throws `MESH_ERR_OPTION`. The file is read again whenever it changes, whether it is written in
 * place or replaced by renaming. While it is missing, empty, malformed or too large (JSON 16 MiB, YAML 1 MiB) the last good
 * state stays, and the error, `MESH_ERR_SNAPSHOT`, is told.
 */
export function file(path: string, clock: Clock = systemClock, loadYaml: LoadYaml = installedYaml): Registry {
  text(path, 'file.path')
  return {
    name: 'file',
    async *watch(service, { signal }): AsyncGenerator<RawSnapshot | Error> {
      const format = await formatOf(path, loadYaml)
      let revision = 0
      for await (const content of fileContents(path, format.maxBytes, clock, signal)) {
        revision++
        try {
          if (content instanceof Error) throw content
          const { endpoints, policy } = parse(content, format)[service] ?? { endpoints: [], policy: {} }
          yield { revision, endpoints, policy }
        } catch (cause) {
          yield new MeshError('MESH_ERR_SNAPSHOT', `${path}: ${(cause as Error).message}`, { service, cause })
        }
      }
    },
    register: async () => unlisted(),
  }
}

function parse(content: string, format: FileFormat): ListedServices {
  if (content.trim() === '') throw new Error(`expected a list of services as ${format.name}, got an empty file`)
  const given = fields<{ services: ListedServices }>({ services: listedServices })(format.parse(content), '')
  return required(given.services, 'services', 'a map from service to endpoints')
}
