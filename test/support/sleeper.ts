import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { startFleet } from './fleet.js'

export interface SleepOptions {
  readonly ttlMs: number
  readonly sleepMs: number
  /** Whether the registry strikes the instance off meanwhile; else it only stops to give it to callers. */
  readonly isForgotten: boolean
}

/**
 * Stops a registered process for longer than its registration lasts, and wakes it: within two seconds callers must be
 * given it again, and at no time may it stand there twice.
 */
export async function sleepAndWake({ ttlMs, sleepMs, isForgotten }: SleepOptions): Promise<void> {
  const fleet = await startFleet({ ttlMs })
  const instance = await fleet.startOne()
  const { url } = fleet.controlPlane
  const listed = async (query = ''): Promise<readonly { Service: { ID: string } }[]> =>
    (await (await fetch(`${url}/v1/health/service/users${query}`)).json()) as readonly { Service: { ID: string } }[]
  const [before] = await listed('?passing')

  instance.kill('SIGSTOP')
  await pause(sleepMs)
  if (isForgotten) await fetch(`${url}/v1/agent/service/deregister/${before!.Service.ID}`, { method: 'PUT' })
  expect(await listed('?passing')).toEqual([])
  expect(await listed()).toHaveLength(isForgotten ? 0 : 1)

  instance.kill('SIGCONT')
  await expect.poll(() => listed('?passing'), { timeout: 2_000, interval: 20 }).toHaveLength(1)
  for (let i = 0; i < 20; i++) {
    expect((await listed()).map(({ Service }) => Service.ID)).toEqual([before!.Service.ID])
    await pause(ttlMs / 20)
  }
  expect(await listed('?passing')).toHaveLength(1)
}
