import { MeshError } from '../base/errors.js'
import type { Call } from '../call/call.js'
import { headerValue } from '../call/headers.js'
import type { Handler, Layer } from '../call/layer.js'
import type { Reply } from '../call/reply.js'
import { signedCall } from './signed-call.js'
import type { TokenSource } from './token-source.js'

/**
 * Signs a call with a token for exactly the called service. Only calls of the mesh pass here, so a token goes to
 * endpoints of its own audience and nowhere else. A caller's own `authorization` field stays and none is added: two
 * on the wire could be read either way.
 */
export function identity({ tokens }: { readonly tokens: TokenSource }): Layer<Call> {
  return (next) => {
    const send = tokens.refused === undefined ? sending(next, tokens) : listening(next, tokens)
    return (call) => {
      if (headerValue(call.headers, 'authorization') !== undefined) return next(call)
      let token: string | Promise<string>
      try {
        token = tokens.token(call.service)
      } catch (cause) {
        return Promise.reject(unsigned(call, cause))
      }
      if (typeof token === 'string') return send(call, token)
      const signing = token.catch((cause: unknown) => {
        throw unsigned(call, cause)
      })
      // One request for a token serves many callers: who gives up leaves it to the others.
      return call.cancellation.race(signing).then((fetched) => send(call, fetched))
    }
  }
}

type Send = (call: Call, token: string) => Promise<Reply>

function sending(next: Handler<Call>, { prover }: TokenSource): Send {
  return (call, token) => next(signedCall(call, token, prover))
}

/** The same for a source that can make another token when the callee does not take this one. */
function listening(next: Handler<Call>, tokens: TokenSource): Send {
  const send = sending(next, tokens)
  return async (call, token) => {
    const reply = await send(call, token)
    if (reply.status === 401 && String(reply.headers['www-authenticate']).includes('invalid_token')) tokens.refused?.(call.service, token)
    return reply
  }
}

function unsigned(call: Call, cause: unknown): MeshError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new MeshError('MESH_ERR_IDENTITY', `The call to '${call.service}' could not be signed: ${reason}`, {
    service: call.service,
    attempts: call.resends,
    cause,
  })
}
