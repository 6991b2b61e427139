import { vi } from 'vitest'

/**
 * Fulfils with what `check` gives as soon as it throws no more. It waits for longer than a machine that is busy with other tests takes,
 * since what it waits for is an event and no time.
 */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 15_000 })
}
