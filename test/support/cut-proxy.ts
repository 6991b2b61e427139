import { createFaultProxy } from '../../src/testing.js'

/** A way to a server that speaks HTTP that can be cut, and that remembers what was asked through it. */
export interface CutProxy {
  readonly url: string
  /** Paths of the requests so far. */
  readonly asked: string[]
  /** Ends every connection; new ones are let through. */
  cut(): void
  /** From now on nothing is passed on, either way, on old connections and new ones, and none is ended. */
  silence(): Promise<void>
  /** Passes everything on again, on new connections. */
  heal(): Promise<void>
  close(): Promise<void>
}

export async function cutProxy(target: string): Promise<CutProxy> {
  const { hostname, port } = new URL(target)
  const asked: string[] = []
  const proxy = await createFaultProxy({
    target: { host: hostname, port: Number(port) },
    observe: (direction, chunk) => {
      if (direction === 'toClient') return
      for (const [, path] of chunk.toString('latin1').matchAll(/^[A-Z]+ (\S+) HTTP\/1\.1\r$/gm)) asked.push(path!)
    },
  })
  return {
    url: proxy.url,
    asked,
    cut: () => proxy.cut('end'),
    silence: () => proxy.set({ swallow: true }),
    async heal() {
      await proxy.heal()
      proxy.cut('end')
    },
    close: () => proxy.close(),
  }
}
