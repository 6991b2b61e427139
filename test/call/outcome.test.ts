import { describe, expect, it } from 'vitest'
import { MeshError, type MeshErrorCode } from '../../src/base/errors.js'
import { NOT_PROCESSED_HEADER, outcomeOf } from '../../src/call/outcome.js'
import { replyOf } from '../support/scripted.js'

describe('outcome of an answer', () => {
  it.each([100, 200, 204, 301, 304, 400, 401, 403, 404, 409, 422])('takes %i for a success: it is an answer', (status) => {
    expect(outcomeOf(replyOf({ status }))).toEqual({ kind: 'success', processed: 'yes' })
  })

  it.each([429, 500, 501, 503, 505, 599])('takes %i for a failure of a service that has seen the request', (status) => {
    expect(outcomeOf(replyOf({ status }))).toEqual({ kind: 'failure', processed: 'yes' })
  })

  it.each([502, 504])('does not know what stands behind the gateway that answered %i', (status) => {
    expect(outcomeOf(replyOf({ status }))).toEqual({ kind: 'failure', processed: 'maybe' })
  })

  it.each([429, 502, 503])('believes a %i that says that nothing was done', (status) => {
    const reply = replyOf({ status, headers: { [NOT_PROCESSED_HEADER]: '1' } })
    expect(outcomeOf(reply)).toEqual({ kind: 'failure', processed: 'no' })
  })

  it('takes no notice of the marker on an answer that is no refusal', () => {
    const reply = replyOf({ status: 200, headers: { [NOT_PROCESSED_HEADER]: '1' } })
    expect(outcomeOf(reply)).toEqual({ kind: 'success', processed: 'yes' })
  })
})

describe('outcome of an error', () => {
  const charged: readonly MeshErrorCode[] = [
    'MESH_ERR_CONNECT', 'MESH_ERR_CONNECTION', 'MESH_ERR_RESPONSE', 'MESH_ERR_ATTEMPT_TIMEOUT', 'MESH_ERR_DEADLINE',
  ]
  it.each(charged)('charges %s to the service', (code) => {
    expect(outcomeOf(new MeshError(code, 'x', { processed: 'maybe' }))).toEqual({ kind: 'failure', processed: 'maybe' })
  })

  const ours: readonly MeshErrorCode[] = [
    'MESH_ERR_ABORTED', 'MESH_ERR_REQUEST', 'MESH_ERR_IDENTITY', 'MESH_ERR_CLOSED', 'MESH_ERR_NOT_READY',
    'MESH_ERR_NO_ENDPOINTS', 'MESH_ERR_BREAKER_OPEN', 'MESH_ERR_BODY_USED', 'MESH_ERR_UNKNOWN_HOST',
  ]
  it.each(ours)('does not charge the service for %s, in which it had no part', (code) => {
    expect(outcomeOf(new MeshError(code, 'x')).kind).toBe('ignored')
  })

  it('does not charge the service for a deadline that was over before anything was sent', () => {
    expect(outcomeOf(new MeshError('MESH_ERR_DEADLINE', 'x', { processed: 'no' })).kind).toBe('ignored')
  })

  it('keeps what the error says about the request', () => {
    expect(outcomeOf(new MeshError('MESH_ERR_CONNECT', 'x', { processed: 'no' })).processed).toBe('no')
    expect(outcomeOf(new MeshError('MESH_ERR_CONNECTION', 'x', { processed: 'yes' })).processed).toBe('yes')
  })

  it('finds our error inside the one that a fetch wraps around it', () => {
    const inner = new MeshError('MESH_ERR_CONNECT', 'x', { processed: 'no' })
    expect(outcomeOf(new TypeError('fetch failed', { cause: inner }))).toEqual({ kind: 'failure', processed: 'no' })
  })

  it('expects the worst of an error that it does not know', () => {
    expect(outcomeOf(new Error('?'))).toEqual({ kind: 'failure', processed: 'maybe' })
  })
})
