import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Arrival, InboundReply } from '../call/inbound.js'

/** A request of Node's own server as it arrives; `target` is the one that the framework routes by. */
export function nodeArrival(request: IncomingMessage, target: string, proceed: Arrival['proceed']): Arrival {
  return {
    method: request.method ?? '',
    target,
    scheme: (request.socket as { encrypted?: boolean }).encrypted === true ? 'https' : 'http',
    remoteAddress: request.socket.remoteAddress,
    // Node's `headers` keeps one of two authorization fields; the raw list keeps both.
    header: (name) => joinedField(request.rawHeaders, name),
    proceed,
  }
}

function joinedField(rawHeaders: readonly string[], name: string): string | undefined {
  let joined: string | undefined
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i]!.length !== name.length || rawHeaders[i]!.toLowerCase() !== name) continue
    joined = joined === undefined ? rawHeaders[i + 1]! : `${joined}, ${rawHeaders[i + 1]!}`
  }
  return joined
}

/** Fulfils when the application has answered or the connection is gone; `route` is asked then, when the router has run. */
export function answered(response: ServerResponse, route: () => string | undefined): Promise<InboundReply> {
  return new Promise((resolve) => {
    const tell = (): void =>
      resolve({ status: response.statusCode, route: route(), aborted: !response.writableFinished, problem: undefined })
    response.once('finish', tell)
    response.once('close', tell)
  })
}
