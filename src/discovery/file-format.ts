import { MeshError } from '../base/errors.js'

/** How the text of a list becomes a value. */
export interface FileFormat {
  readonly name: 'JSON' | 'YAML'
  readonly maxBytes: number
  /** Throws when the text is malformed. */
  parse(content: string): unknown
}

/** As much of the package `yaml` as is used. */
export interface YamlPackage {
  parse(content: string, options: object): unknown
}

export type LoadYaml = () => Promise<YamlPackage>

const JSON_FORMAT: FileFormat = { name: 'JSON', maxBytes: 16 * 1024 * 1024, parse: (content) => JSON.parse(content) as unknown }

/** YAML is read some hundred times more slowly, and everything else stands still meanwhile. */
const MAX_YAML_BYTES = 1024 * 1024

/** Aliases are for what many services share, and not for a small text that means a very large one. */
const YAML_OPTIONS = Object.freeze({ schema: 'core', maxAliasCount: 1_000, logLevel: 'error' })

/** YAML for a path that ends so, else JSON. Throws `MESH_ERR_OPTION` when YAML is wanted and its package is not installed. */
export async function formatOf(path: string, loadYaml: LoadYaml): Promise<FileFormat> {
  if (!/\.ya?ml$/i.test(path)) return JSON_FORMAT
  try {
    const { parse } = await loadYaml()
    return { name: 'YAML', maxBytes: MAX_YAML_BYTES, parse: (content) => parse(content, YAML_OPTIONS) }
  } catch (cause) {
    throw new MeshError('MESH_ERR_OPTION', `file.path: ${path} needs the package 'yaml': npm install yaml`, { cause })
  }
}

/** Named by a variable, so that neither compiler nor bundler looks for a package that need not be there. */
const YAML_PACKAGE = 'yaml'

export const installedYaml: LoadYaml = () => import(YAML_PACKAGE) as Promise<YamlPackage>
