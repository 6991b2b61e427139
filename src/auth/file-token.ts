import { fields, text } from '../base/validate.js'
import { TokenFile } from './token-file.js'
import type { TokenProvider } from './token-source.js'

export interface FileTokenOptions {
  /** The one audience that a token in the file has; `{service}` stands for the called service. Default `{service}`. */
  readonly audience?: string | undefined
}

const readOptions = fields<FileTokenOptions>({ audience: text })

/**
 * Tokens from files that somebody else keeps fresh: projected service-account tokens of Kubernetes, or JWT-SVIDs. In `path`,
 * `{service}` stands for the called service: one token, one audience, one file. A changed file is noticed within a second of
 * calls; while it is missing, empty or half-written the last good token serves on until half a minute before it expires,
 * and `identityError` is told. Throws `MESH_ERR_OPTION`.
 */
export function fileToken(path: string, options: FileTokenOptions = {}): TokenProvider {
  text(path, 'fileToken.path')
  const { audience = '{service}' } = readOptions(options, 'fileToken')
  return {
    open({ clock, tell }) {
      const files = new Map<string, TokenFile>()
      return {
        token(service) {
          let file = files.get(service)
          if (file === undefined) {
            file = new TokenFile({ path: filled(path, service), audience: filled(audience, service), clock, tell })
            files.set(service, file)
          }
          return file.token()
        },
      }
    },
  }
}

/** The name of a service has no character that means anything in a path. */
function filled(template: string, service: string): string {
  return template.replaceAll('{service}', service)
}
