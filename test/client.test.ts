import { describe, expect, it } from 'vitest'
import { headerValue } from '../src/call/headers.js'
import { ServiceClient, type ClientRequest, type RequestOptions } from '../src/client.js'
import { replyOf } from './support/scripted.js'

async function sent(method: string, path: string, options?: RequestOptions): Promise<ClientRequest> {
  let request!: ClientRequest
  const client = new ServiceClient(async (asked) => {
    request = asked
    return replyOf()
  })
  await client.request(method, path, options)
  return request
}

async function textOf(body: ClientRequest['body']): Promise<string> {
  return new Response(body as ConstructorParameters<typeof Response>[0]).text()
}

describe('service client', () => {
  it('fills the names of a path with percent-encoded values, and keeps the template for the span', async () => {
    const request = await sent('GET', '/users/{id}/pets/{name}', { params: { id: 42, name: 'a/b ?é' } })
    expect(request.path).toBe('/users/42/pets/a%2Fb%20%3F%C3%A9')
    expect(request.template).toBe('/users/{id}/pets/{name}')
  })

  it('refuses a value that would make another path of the template', async () => {
    for (const id of ['', '.', '..']) {
      await expect(sent('GET', '/users/{id}/delete', { params: { id } })).rejects.toMatchObject({ code: 'MESH_ERR_REQUEST' })
    }
    await expect(sent('GET', '/users/{id}', { params: {} })).rejects.toThrow('{id}')
  })

  it('leaves a path without params alone', async () => {
    const request = await sent('GET', '/a?b={c}')
    expect(request).toMatchObject({ path: '/a?b={c}', template: undefined, timeoutMs: undefined })
  })

  it('passes on what is said about sending it twice, and once by default only where that is said', async () => {
    expect(await sent('POST', '/')).toMatchObject({ idempotent: undefined, once: false })
    expect(await sent('POST', '/', { idempotent: true, retry: true })).toMatchObject({ idempotent: true, once: false })
    expect(await sent('GET', '/', { idempotent: false, retry: false })).toMatchObject({ idempotent: false, once: true })
  })

  it('leaves a function that makes a body to those who send it', async () => {
    const body = (): ReadableStream => new Blob(['x']).stream()
    expect((await sent('PUT', '/', { body })).body).toBe(body)
  })

  it('refuses a path without a slash', async () => {
    await expect(sent('GET', 'users')).rejects.toMatchObject({ code: 'MESH_ERR_REQUEST', message: expect.stringContaining('"users"') })
  })

  it('writes JSON, and lets the caller name another content type', async () => {
    const plain = await sent('POST', '/', { json: { a: 1 } })
    expect([plain.body, headerValue(plain.headers, 'content-type')]).toEqual(['{"a":1}', 'application/json'])
    const named = await sent('POST', '/', { json: null, headers: { 'Content-Type': 'application/merge-patch+json' } })
    expect([named.body, named.headers]).toEqual(['null', ['content-type', 'application/merge-patch+json']])
  })

  it('writes forms and blobs as the platform does', async () => {
    const form = await sent('POST', '/', { body: new URLSearchParams({ a: 'b c' }) })
    expect(headerValue(form.headers, 'content-type')).toBe('application/x-www-form-urlencoded;charset=UTF-8')
    expect(await textOf(form.body)).toBe('a=b+c')
    const data = new FormData()
    data.set('field', 'value')
    const multipart = await sent('POST', '/', { body: data })
    expect(headerValue(multipart.headers, 'content-type')).toMatch(/^multipart\/form-data; boundary=/)
    expect(await textOf(multipart.body)).toContain('name="field"')
  })

  it('keeps text and bytes as they are, so that they can be sent again', async () => {
    expect((await sent('PUT', '/', { body: 'text' })).body).toBe('text')
    const bytes = new Uint8Array([1, 2])
    expect((await sent('PUT', '/', { body: bytes })).body).toBe(bytes)
    expect((await sent('get', '/')).body).toBeNull()
  })

  it('names what is wrong with an option', async () => {
    await expect(sent('GET', '/', { timeoutMs: -1 })).rejects.toThrow('timeoutMs: expected a positive number of milliseconds, got -1')
    await expect(sent('GET', '/', { retry: 2 as never })).rejects.toThrow('retry: expected true or false, got 2')
    await expect(sent('GET', '/', { retries: 3 } as RequestOptions)).rejects.toThrow('retries: unknown option')
  })

  it('turns an abort into a cancellation, and forgets the signal when the body has ended', async () => {
    const controller = new AbortController()
    const request = await sent('GET', '/', { signal: controller.signal })
    await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    expect(request.cancellation.reason).toBeUndefined()

    const before = await sent('GET', '/', { signal: AbortSignal.abort('enough') })
    expect(before.cancellation.reason).toMatchObject({ code: 'MESH_ERR_ABORTED', name: 'AbortError', cause: 'enough' })
  })
})
