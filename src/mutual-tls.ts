import { randomBytes } from 'node:crypto'
import { Server, type TLSSocket, type TlsOptions as ServerOptions } from 'node:tls'
import type { ConnectionIdentity } from './auth/connection-identity.js'
import type { Credentials } from './auth/credentials.js'
import { peerCertificate } from './auth/peer-certificate.js'
import type { Clock } from './base/clock.js'
import { SCHEME } from './call/endpoint.js'
import type { Events } from './call/events.js'
import type { PeerCertificate } from './call/inbound.js'
import type { PolicyLayer, TlsPolicy } from './call/policy.js'
import { CredentialFiles } from './credential-files.js'
import { SecuredServer } from './lifecycle/secured-server.js'
import type { TlsSettings } from './tls-options.js'
import type { Secrets, Security } from './transport/security.js'

export interface TlsGround {
  readonly clock: Clock
  readonly events: Events
}

/** Both ends of the mesh's connections over TLS: whom this process is, and whom it believes. */
export class MutualTls implements ConnectionIdentity {
  readonly trustDomain: string
  /** What the mesh wants of calls to every service; stands above what a registry says. */
  readonly layers: readonly PolicyLayer[]
  readonly #settings: TlsSettings
  readonly #ground: TlsGround
  readonly #files: CredentialFiles
  readonly #listeners = new Set<(cutAfterMs: number | undefined) => void>()
  readonly #peers = new WeakMap<TLSSocket, PeerCertificate>()
  readonly #service: RegExp
  /** By it a server is known that was made with our options; there are no tickets that these keys could be for. */
  readonly #mark = randomBytes(48)

  /** Throws `MESH_ERR_OPTION` when the files are not good. */
  constructor(settings: TlsSettings, ground: TlsGround) {
    this.#settings = settings
    this.#ground = ground
    this.trustDomain = settings.trustDomain
    this.layers = [{ origin: 'createMesh tls', options: { tls: { mode: settings.mode } } }]
    const [head, ...tail] = settings.identities.split('{service}').map((part) => part.replaceAll('.', '\\.'))
    this.#service = new RegExp(`^${head}([a-z](?:[a-z0-9-]{0,61}[a-z0-9])?)${tail.join('\\1')}$`)
    const { events } = ground
    this.#files = new CredentialFiles(settings, ground.clock, {
      renewed: (now, before) => this.#renewed(now, before),
      failed: (error) => events.emit('tlsError', { error }),
    })
  }

  /** How calls to a service are encrypted; `policy` is asked for each attempt. */
  security(service: string, policy: () => TlsPolicy): Security {
    const secretsOf = (credentials: Credentials): Secrets => ({
      context: credentials.context,
      refusal: (connection, identity) => whyNot(() => {
        const { spiffeId } = peerCertificate(connection, credentials)
        if (spiffeId !== identity) throw new Error(`its certificate is that of ${spiffeId}, expected ${identity}`)
      }),
    })
    const files = this.#files
    const { maxConnectionAgeMs } = this.#settings
    return {
      maxConnectionAgeMs,
      get secrets() {
        return secretsOf(files.current)
      },
      onRenewed: this.onRenewed,
      wayTo: (endpoint) => {
        const { mode, identity } = policy()
        const scheme = endpoint.metadata[SCHEME]
        if (mode === 'off' || (mode === 'offered' && scheme !== 'https')) return 'plain'
        if (scheme === 'http') return new Error(`it speaks no TLS, which tls.mode 'required' of ${service} asks for`)
        return { identity: identity === '' ? this.identityOf(service) : identity }
      },
    }
  }

  /** Whom this process is, and until when. */
  get certificate(): PeerCertificate {
    return { ...this.#files.current.own }
  }

  /** What an instance says of itself. */
  get metadata(): Readonly<Record<string, string>> {
    return this.#settings.mode === 'off' ? {} : { [SCHEME]: 'https' }
  }

  /** What servers are made with. */
  get serverOptions(): ServerOptions {
    return { ...this.#files.current.options, requestCert: true, rejectUnauthorized: true, ticketKeys: this.#mark }
  }

  /**
   * Has a server that was made with {@link serverOptions} show the certificate of the moment, and take nobody else than workloads of the trust
   * domain. Others, such as one with a public certificate, stay as they are.
   */
  secure(server: object): void {
    if (!(server instanceof Server) || !server.getTicketKeys().equals(this.#mark)) return
    const { clock, events } = this.#ground
    const files = this.#files
    new SecuredServer(server, {
      clock,
      get options() {
        return files.current.options
      },
      refusal: (connection) => whyNot(() => void this.peerOf(connection)),
      onRenewed: this.onRenewed,
      refused: (address, reason) => events.emit('connectionRefused', { address, reason: reason.message }),
    })
  }

  /** Looks once at each connection; what is no longer trusted is ended by its server. */
  peerOf(connection: TLSSocket): PeerCertificate {
    let peer = this.#peers.get(connection)
    if (peer === undefined) this.#peers.set(connection, (peer = peerCertificate(connection, this.#files.current)))
    return peer
  }

  identityOf(service: string): string {
    return this.#settings.identities.replaceAll('{service}', service)
  }

  serviceOf(spiffeId: string): string | undefined {
    return this.#service.exec(spiffeId)?.[1]
  }

  onRenewed = (renewed: (cutAfterMs: number | undefined) => void): (() => void) => {
    this.#listeners.add(renewed)
    return () => void this.#listeners.delete(renewed)
  }

  close(): void {
    this.#files.close()
  }

  #renewed(now: Credentials, before: Credentials): void {
    const distrusts = [...before.authorities].some((authority) => !now.authorities.has(authority))
    for (const listener of this.#listeners) listener(distrusts ? this.#settings.retireMs : undefined)
    this.#ground.events.emit('tlsRenewed', { ...now.own, distrusts })
  }
}

/** How calls to a service are encrypted. Without `tls` they go in the clear, but not where the registry asks for TLS. */
export function serviceSecurity(service: string, tls: MutualTls | undefined, policy: () => TlsPolicy): Security {
  if (tls !== undefined) return tls.security(service, policy)
  return {
    wayTo: () => (policy().mode === 'required' ? new Error(`tls.mode of ${service} is 'required', and createMesh was given no tls`) : 'plain'),
    secrets: undefined,
    maxConnectionAgeMs: Infinity,
    onRenewed: () => () => {},
  }
}

function whyNot(check: () => void): Error | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    return error as Error
  }
}
