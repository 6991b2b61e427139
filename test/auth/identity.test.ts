import { describe, expect, it } from 'vitest'
import { identity } from '../../src/auth/identity.js'
import type { TokenSource } from '../../src/auth/token-source.js'
import type { Call } from '../../src/call/call.js'
import { Cancellation } from '../../src/call/cancellation.js'
import { headerValue } from '../../src/call/headers.js'
import type { Reply } from '../../src/call/reply.js'
import { callOf, openReply } from '../support/scripted.js'

const REPLY = {} as Reply
type ReplyFields = NonNullable<Parameters<typeof openReply>[0]>

/** The layer above a last handler that notes what reaches it. */
function scene(tokens: TokenSource): { send(call: Call): Promise<Reply>; sent: Call[] } {
  const sent: Call[] = []
  return { sent, send: identity({ tokens })(async (input) => (sent.push(input), REPLY)) }
}

describe('identity', () => {
  it('O05 signs each attempt afresh, for exactly the called service', async () => {
    let minted = 0
    const { send, sent } = scene({ token: (audience) => `${audience}-${++minted}` })
    await send(callOf({ headers: ['accept', 'application/json'] }))
    await send(callOf({ service: 'billing', resends: 1 }))
    expect(sent.map(({ headers }) => headerValue(headers, 'authorization'))).toEqual(['Bearer users-1', 'Bearer billing-2'])
    expect(headerValue(sent[0]!.headers, 'accept')).toBe('application/json')
  })

  it('passes a call on in the same turn when the token is at hand', () => {
    const { send, sent } = scene({ token: () => 'ready' })
    void send(callOf())
    expect(sent).toHaveLength(1)
  })

  it("O10 leaves a caller's own authorization alone: one on the wire, and no token asked for", async () => {
    const asked: string[] = []
    const { send, sent } = scene({ token: (audience) => (asked.push(audience), 'ours') })
    await send(callOf({ headers: ['authorization', 'Basic dXNlcg=='] }))
    expect(sent[0]!.headers).toEqual(['authorization', 'Basic dXNlcg=='])
    expect(asked).toEqual([])
  })

  it.each<[string, ReplyFields, string[]]>([
    ['a 401 that says so', { status: 401, headers: { 'www-authenticate': 'Bearer error="invalid_token"' } }, ['users token']],
    ['a 401 for want of a token', { status: 401, headers: { 'www-authenticate': 'Bearer' } }, []],
    ['a 403', { status: 403, headers: { 'www-authenticate': 'Bearer error="insufficient_scope"' } }, []],
    ['a 200', {}, []],
  ])('tells the source by %s that its token was refused, or does not', async (_, fields, told) => {
    const refused: string[] = []
    const tokens: TokenSource = { token: () => 'token', refused: (audience, token) => void refused.push(`${audience} ${token}`) }
    const { reply } = openReply(fields)
    expect(await identity({ tokens })(async () => reply)(callOf())).toBe(reply)
    expect(refused).toEqual(told)
  })

  it.each<[string, TokenSource]>([
    ['throws', { token: () => { throw new Error('issuer away') } }],
    ['rejects', { token: () => Promise.reject(new Error('issuer away')) }],
  ])('says that nothing was sent when the source %s', async (_, tokens) => {
    const { send, sent } = scene(tokens)
    await expect(send(callOf())).rejects.toMatchObject({
      code: 'MESH_ERR_IDENTITY',
      service: 'users',
      processed: 'no',
      message: "The call to 'users' could not be signed: issuer away",
    })
    expect(sent).toEqual([])
  })

  it('does not wait for a token when nobody waits for the call', async () => {
    const { send, sent } = scene({ token: () => new Promise(() => {}) })
    const cancellation = new Cancellation()
    const sending = send(callOf({ cancellation }))
    cancellation.cancel(new Error('hung up'))
    await expect(sending).rejects.toThrow('hung up')
    expect(sent).toEqual([])
  })
})
