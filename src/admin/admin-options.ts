import { fields, host, wholeNumber } from '../base/validate.js'

export interface AdminOptions {
  /** Port to listen on, 0 for any free one. Default 7118. */
  readonly port?: number | undefined
  /**
   * Address or name to listen on. Default `127.0.0.1`. Whoever reaches it reads what it tells, without a token: elsewhere than on
   * loopback, keep it from the outside.
   */
  readonly host?: string | undefined
}

/** {@link AdminOptions} with every default in its place. */
export interface AdminSettings {
  readonly port: number
  readonly host: string
}

export const adminDefaults: AdminSettings = Object.freeze({ port: 7_118, host: '127.0.0.1' })

export const readAdmin = fields<AdminOptions>({ port: wholeNumber(0, 65_535), host })
