import { request, type IncomingHttpHeaders } from 'node:http'
import { onTestFinished } from 'vitest'
import { createControlPlane } from '../../src/control-plane/control-plane.js'
import type { ControlPlane, ControlPlaneOptions } from '../../src/control-plane/control-plane.js'

export type Ask = (path: string, sent?: Sent) => Promise<Received>

export interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Sent {
  readonly method?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Buffer
}

/** A control plane on a free port that ends with the test, and a plain way to ask it. */
export async function running(
  options: ControlPlaneOptions = {},
): Promise<{ readonly controlPlane: ControlPlane; readonly ask: Ask }> {
  const controlPlane = await createControlPlane({ port: 0, ...options })
  onTestFinished(() => controlPlane.close())
  return { controlPlane, ask: (path, sent) => exchange(controlPlane.url + path, sent) }
}

export function exchange(url: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Received> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString() })
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

/** Registers an instance with a TTL check of ten seconds. */
export async function register(ask: Ask, id: string, fields: object = {}): Promise<void> {
  const [name] = id.split('-')
  const Check = { TTL: '10s', Status: 'passing' }
  const body = JSON.stringify({ Name: name, ID: id, Address: '127.0.0.1', Port: 8081, Check, ...fields })
  const { status, body: text } = await ask('/v1/agent/service/register', { method: 'PUT', body })
  if (status !== 200) throw new Error(`registering ${id} was answered ${status} ${text}`)
}
