import { request, type IncomingHttpHeaders } from 'node:http'
import { connect } from 'node:net'

export interface RawAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface RawRequest {
  readonly method?: string
  readonly headers?: Record<string, string | string[]>
  readonly body?: string
}

/** Sends a request target as it is, where `fetch` would tidy it up. */
export function rawRequest(port: number, target: string, { method = 'GET', headers = {}, body }: RawRequest = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const sending = request({ host: '127.0.0.1', port, path: target, method, headers, agent: false }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() })
      })
      response.on('error', reject)
    })
    sending.on('error', reject)
    sending.end(body)
  })
}

/** POSTs a body of this size, looks for an answer only when it is sent, and gives what comes until the connection ends. */
export function sendThenRead(port: number, target: string, bytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1').pause().setEncoding('latin1')
    socket.on('data', (text: string) => (answer += text)).on('end', () => resolve(answer)).on('error', reject)
    socket.write(`POST ${target} HTTP/1.1\r\nhost: users\r\ncontent-type: text/plain\r\ncontent-length: ${bytes}\r\n\r\n`)
    socket.write('x'.repeat(bytes), () => socket.resume())
  })
}

/** Targets that routers and policies read differently, each meant to reach `/admin` or `/users/42` by another way. */
export const TWISTED_TARGETS = [
  ...['//admin', '/./admin', '/x/../admin', '/%2e/admin', '/x/%2e%2e/admin', '/x%2f..%2fadmin', '/%61dmin', '/admin;x=1', '/admin%2f'],
  ...['/admin#', '/admin%00', '/\\admin', '/%5cadmin', '/admin/', '/ADMIN', '/Admin', '/admin//', '/admin/.', '/admin%20', '/admin?', '/%2561dmin'],
  ...['http://127.0.0.1/admin', 'http://users/admin', '/admin%3f', '/admin%23', '/admin%3b', '/%c0%afadmin', '/admin.', '/admin/..;/admin'],
]
