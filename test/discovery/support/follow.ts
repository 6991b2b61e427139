import type { RawSnapshot, Registry } from '../../../src/discovery/registry.js'

/** A watch read one step at a time. */
export interface Following {
  next(): Promise<RawSnapshot | Error | undefined>
  /** The next snapshot; an error that is told instead is thrown. */
  nextSnapshot(): Promise<RawSnapshot>
  stop(): Promise<void>
}

export function follow(registry: Registry, service: string): Following {
  const aborter = new AbortController()
  const iterator = registry.watch(service, { signal: aborter.signal })[Symbol.asyncIterator]()
  const next = async (): Promise<RawSnapshot | Error | undefined> => (await iterator.next()).value as RawSnapshot | Error | undefined
  return {
    next,
    async nextSnapshot() {
      const told = await next()
      if (told === undefined || told instanceof Error) throw told ?? new Error('the watch has ended')
      return told
    },
    async stop() {
      aborter.abort()
      while (!(await iterator.next()).done);
    },
  }
}
