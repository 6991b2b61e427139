import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a server that can be cut, and that remembers what was asked through it. */
export interface CutProxy {
  readonly url: string
  /** Paths of the requests so far. */
  readonly asked: string[]
  /** Ends every connection; new ones are let through. */
  cut(): void
  /** From now on nothing is passed on, either way, on old connections and new ones, and none is ended. */
  silence(): void
  /** Passes everything on again, on new connections. */
  heal(): void
  close(): Promise<void>
}

export async function cutProxy(target: string): Promise<CutProxy> {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const asked: string[] = []
  let silent = false
  const server = createServer((incoming) => {
    const outgoing = connect(Number(port), hostname)
    const pass = (from: Socket, to: Socket): void => {
      sockets.add(from)
      from.on('data', (bytes) => silent || to.write(bytes))
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
    incoming.on('data', (bytes) => {
      for (const [, path] of String(bytes).matchAll(/^[A-Z]+ (\S+) HTTP\/1\.1\r$/gm)) asked.push(path!)
    })
    pass(incoming, outgoing)
    pass(outgoing, incoming)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    cut,
    silence: () => void (silent = true),
    heal: () => {
      silent = false
      cut()
    },
    async close() {
      cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
