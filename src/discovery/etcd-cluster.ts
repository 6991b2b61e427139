import type { Clock } from '../base/clock.js'
import type { Random } from '../base/random.js'
import { EtcdRefusal, openGateway, type EtcdGateway, type EtcdMessage } from './etcd-gateway.js'
import type { EtcdRequest, EtcdStreamRequest } from './etcd-gateway.js'
import type { EtcdSettings, EtcdUser } from './etcd-options.js'

/** A conversation with a cluster, whichever of its members answers. Whoever opens it closes it. */
export interface EtcdApi {
  /** Throws {@link EtcdRefusal}, or `MESH_ERR_REGISTRY` when no member answers. */
  ask(request: EtcdRequest): Promise<EtcdMessage>
  /** Fulfils when a member has begun its stream; it stays with that member, and throws as `ask` does when it breaks off. */
  listen(request: EtcdStreamRequest): Promise<AsyncIterable<EtcdMessage>>
  /** This machine's address as the cluster sees it; undefined before the first answer. */
  localAddress(): string | undefined
  close(): Promise<void>
}

/** What all conversations of one client share: which member answered last, and the token. */
export interface EtcdCluster {
  open(): EtcdApi
}

type Signal = AbortSignal | undefined

const LOGIN_TIMEOUT_MS = 5_000

/** etcd's words for a token that has run out, that is missing, or that is older than the last change of a user. */
const TOKEN_SPENT = /invalid auth token|user name is empty|auth store is old/

export function etcdCluster({ endpoints, user, tls }: EtcdSettings, clock: Clock, random: Random): EtcdCluster {
  // Anyone, so that clients spread out.
  let member = Math.floor(random() * endpoints.length)
  let token: string | undefined

  const moveOn = (from: number): void => {
    // Unless another conversation has done so meanwhile.
    if (member === from) member = (from + 1) % endpoints.length
  }

  /** Tries one member after the other, beginning with the one that answered last, until one can answer. */
  async function inTurn<T>(attempt: (url: string) => Promise<T>): Promise<T> {
    for (let left = endpoints.length; ; left--) {
      const tried = member
      try {
        return await attempt(endpoints[tried]!)
      } catch (error) {
        if (error instanceof EtcdRefusal && !mayDoBetter(error)) throw error
        moveOn(tried)
        if (left === 1) throw error
      }
    }
  }

  /** As `inTurn`, with a new token where there is none or it is spent. */
  async function admitted<T>(gateway: EtcdGateway, signal: Signal, attempt: (url: string) => Promise<T>): Promise<T> {
    if (user === undefined) return inTurn(attempt)
    const logIn = async (): Promise<void> => {
      token = await inTurn((url) => tokenFrom(gateway, url, user, signal))
    }
    if (token === undefined) await logIn()
    try {
      return await inTurn(attempt)
    } catch (error) {
      if (!(error instanceof EtcdRefusal) || !TOKEN_SPENT.test(error.message)) throw error
      await logIn()
      return inTurn(attempt)
    }
  }

  return {
    open() {
      const gateway = openGateway(clock, tls)
      return {
        ask: (request) => admitted(gateway, request.signal, (url) => gateway.ask(url, request, token)),
        listen: (request) =>
          admitted(gateway, request.signal, async (url) => {
            const messages = await gateway.listen(url, request, token)
            return untilBroken(messages, () => moveOn(endpoints.indexOf(url)))
          }),
        localAddress: () => endpoints.map((url) => gateway.localAddress(url)).find((address) => address !== undefined),
        close: () => gateway.close(),
      }
    },
  }
}

async function* untilBroken<T>(items: AsyncIterable<T>, onBroken: () => void): AsyncGenerator<T> {
  try {
    yield* items
  } catch (error) {
    onBroken()
    throw error
  }
}

/** Whether to ask another member: this one has no leader, has too much to do, or is about to stop. */
function mayDoBetter({ status }: EtcdRefusal): boolean {
  return status >= 500 || status === 408 || status === 429
}

/** Undefined where etcd asks for no users, so that these can be switched on while clients run. */
async function tokenFrom(gateway: EtcdGateway, url: string, user: EtcdUser, signal: Signal): Promise<string | undefined> {
  const request = { path: '/auth/authenticate', message: user, timeoutMs: LOGIN_TIMEOUT_MS, signal }
  try {
    const { token } = await gateway.ask(url, request, undefined)
    return String(token)
  } catch (error) {
    if (error instanceof EtcdRefusal && error.message.includes('authentication is not enabled')) return undefined
    throw error
  }
}
