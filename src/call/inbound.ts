import type { TLSSocket } from 'node:tls'
import type { Cancellation } from './cancellation.js'
import type { Chain } from './chain.js'
import type { HeaderList } from './headers.js'
import type { Priority } from './priority.js'

/** Who calls, as its verified token says. */
export interface Peer {
  /** Logical name of the calling service. */
  readonly service: string
  /** Subject of the token, letter for letter. */
  readonly principal: string
  readonly issuer: string
  /** Every claim of the token. */
  readonly claims: Readonly<Record<string, unknown>>
}

/** Whom the certificate of a connection speaks for: a workload, by its SPIFFE ID. */
export interface PeerCertificate {
  readonly spiffeId: string
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number
}

/** A request as an edge (Express, Fastify, web) takes it in. */
export interface Arrival {
  /** As received; methods are case-sensitive. */
  readonly method: string
  /** Request target as received: path and query, neither decoded nor normalised. */
  readonly target: string
  readonly scheme: 'http' | 'https'
  readonly remoteAddress: string | undefined
  /** Port of this process that the connection came to, where the edge knows it. */
  readonly localPort?: number | undefined
  /** The connection itself, where it is one of TLS that ends in this process. */
  readonly connection?: TLSSocket | undefined
  /** Cancelled by the edge when the connection ends before the answer is whole; never by an answer that was given. */
  readonly cancellation: Cancellation
  /**
   * Value of a header field, by its lower-case name. A field that came more than once is joined by `', '`
   * (RFC 9110 §5.3), so that two values never pass for one.
   */
  header(name: string): string | undefined
  /** Hands the admitted request to the application and tells how it was answered. */
  proceed(inbound: Inbound): Promise<InboundReply>
}

/** A request on its way in; each stage passes on a copy with what it has found out. */
export interface Inbound extends Arrival {
  /** When the caller stops waiting, in the clock's monotonic milliseconds; Infinity for never. */
  readonly deadlineAt: number
  /** W3C Trace Context and baggage fields for the calls that this request causes. */
  readonly traceHeaders: HeaderList
  /** How much it matters, as the caller says. */
  readonly priority: Priority
  /** What this request and the calls that it causes know of each other's tries. */
  readonly chain: Chain
  /** What the other end of the connection has shown and was found good; undefined without TLS, and on exempt paths. */
  readonly certificate?: PeerCertificate | undefined
  /** Undefined before the identity stage, and on exempt paths. */
  readonly peer: Peer | undefined
  /** What to tell a caller of this process's load, at the moment when the answer is sent; undefined for nothing. */
  readonly loadReport: (() => string) | undefined
  /** Aborts when nobody waits for the answer any more; made when first asked for. */
  readonly signal: () => AbortSignal
}

/** How a request was answered. */
export interface InboundReply {
  readonly status: number
  /** Template of the route that answered, such as `/users/:id`, where the framework tells. */
  readonly route: string | undefined
  /** Whether the connection ended before the answer was whole. */
  readonly aborted: boolean
  /** What the edge has to send, when the application never saw the request. */
  readonly answer: Answer | undefined
  /** Who asked and in which trace; only while somebody listens to `served`. */
  readonly heardOf?: { readonly peer: string; readonly traceId: string | undefined }
}

/** An answer ready to be sent. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What the application finds on an admitted request, as `request.mesh`. */
export interface RequestMesh {
  /** The verified caller; undefined on exempt paths only. */
  readonly peer: Peer | undefined
  /**
   * Aborts when the caller hangs up before the answer is whole (`MESH_ERR_ABORTED`), and when the time that it gave is over
   * (`MESH_ERR_DEADLINE`); never once the answer was given. Calls through the mesh need not be given it: they end by themselves.
   */
  readonly signal: AbortSignal
}
