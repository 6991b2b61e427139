import type { IncomingMessage } from 'node:http'

export async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  return (await bytesOf(body)).toString()
}

export async function lengthOf(body: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0
  for await (const chunk of body) bytes += chunk.length
  return bytes
}

/** Something to wait for, and the listener that ends the waiting. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open!: () => void
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

/** The fields of a multipart request, read by the platform: text as it is, files as `name: content`. */
export async function formOf(request: IncomingMessage): Promise<Record<string, string>> {
  const response = new Response(await bytesOf(request), { headers: { 'content-type': request.headers['content-type'] ?? '' } })
  const fields: Record<string, string> = {}
  for (const [name, value] of await response.formData()) {
    fields[name] = typeof value === 'string' ? value : `${value.name}: ${await value.text()}`
  }
  return fields
}
