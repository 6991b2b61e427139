import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock, type Clock } from '../../src/base/clock.js'
import { Events, type MeshEvents } from '../../src/call/events.js'
import { file } from '../../src/discovery/file.js'
import { createResolver } from '../../src/discovery/resolver.js'
import { follow, type Following } from './support/follow.js'

let folder: string
let path: string
const following: Following[] = []
const watchUsers = (at = path): Following => {
  const users = follow(file(at), 'users')
  following.push(users)
  return users
}
const listOf = (...users: unknown[]): string => JSON.stringify({ services: { users } })

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mesh-file-'))
  path = join(folder, 'services.json')
})
afterEach(async () => {
  for (const each of following.splice(0)) await each.stop()
  await rm(folder, { recursive: true })
})

/** What a text file is told to be, as the error's message. */
async function complaintAbout(content: string): Promise<Error> {
  await writeFile(path, content)
  const told = await watchUsers().next()
  expect(told).toBeInstanceOf(Error)
  return told as Error
}

describe('a registry in a file', () => {
  it('tells what the file holds, endpoints and policy', async () => {
    await writeFile(path, JSON.stringify({ services: { users: { endpoints: ['h:1'], policy: { timeoutMs: 5 } } } }))
    expect(await watchUsers().nextSnapshot()).toEqual({ revision: 1, endpoints: ['h:1'], policy: { timeoutMs: 5 } })
  })

  it('has no endpoints for a service that is not in it', async () => {
    await writeFile(path, JSON.stringify({ services: { mail: ['h:1'] } }))
    expect(await watchUsers().nextSnapshot()).toMatchObject({ endpoints: [] })
  })

  it('sees a file that is written in place', async () => {
    await writeFile(path, listOf('h:1'))
    const users = watchUsers()
    await users.nextSnapshot()
    await writeFile(path, listOf('h:2'))
    expect(await users.nextSnapshot()).toEqual({ revision: 2, endpoints: ['h:2'], policy: {} })
  })

  it('sees a file that is replaced by renaming, again and again', async () => {
    await writeFile(path, listOf('h:1'))
    const users = watchUsers()
    await users.nextSnapshot()
    for (const port of [2, 3, 4]) {
      await writeFile(`${path}.new`, listOf(`h:${port}`))
      await rename(`${path}.new`, path)
      expect((await users.nextSnapshot()).endpoints).toEqual([`h:${port}`])
    }
  })

  it('sees a change of which the folder brings no news', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'mesh-elsewhere-'))
    await writeFile(join(elsewhere, 'list.json'), listOf('h:1'))
    await symlink(join(elsewhere, 'list.json'), path)
    const users = watchUsers()
    await users.nextSnapshot()
    await writeFile(join(elsewhere, 'list.json'), listOf('h:2'))
    expect((await users.nextSnapshot()).endpoints).toEqual(['h:2'])
    await rm(elsewhere, { recursive: true })
  })

  it('tells of a missing file and sees it appear', async () => {
    const users = watchUsers()
    expect(await users.next()).toMatchObject({ code: 'MESH_ERR_SNAPSHOT', message: expect.stringMatching(/services\.json: ENOENT/) })
    await writeFile(path, listOf('h:1'))
    expect((await users.nextSnapshot()).endpoints).toEqual(['h:1'])
  })

  it('says nothing when the file was touched and holds the same', async () => {
    await writeFile(path, listOf('h:1'))
    // Every look at the file begins with a short wait: the second one begins when the first look is over.
    let looks = 0
    let lookedOnce!: () => void
    const looked = new Promise<void>((resolve) => (lookedOnce = resolve))
    const after: Clock['after'] = (delayMs, task) => {
      if (delayMs < 1_000 && ++looks === 2) lookedOnce()
      return systemClock.after(delayMs, task)
    }
    const users = follow(file(path, { ...systemClock, after }), 'users')
    following.push(users)
    await users.nextSnapshot()
    const next = users.nextSnapshot()
    await writeFile(`${path}.new`, listOf('h:1'))
    await rename(`${path}.new`, path)
    await looked
    await writeFile(path, listOf('h:2'))
    expect(await next).toEqual({ revision: 2, endpoints: ['h:2'], policy: {} })
  })

  it('names an empty file and what it should hold', async () => {
    expect(await complaintAbout(' \n')).toMatchObject({
      code: 'MESH_ERR_SNAPSHOT',
      message: `${path}: expected a list of services as JSON, got an empty file`,
    })
  })

  it.each([
    ['half JSON', '{"services":{"us', 'JSON'],
    ['another document', '{"users":["h:1"]}', 'users: unknown option; expected one of services'],
    ['a list', '[]', 'expected a plain object, got []'],
    ['null', 'null', 'expected a plain object, got null'],
    ['nothing in it', '{}', 'services: expected a map from service to endpoints, got undefined'],
    ['an upper-case service', '{"services":{"Users":[]}}', 'services: expected a service name'],
    ['a malformed policy', '{"services":{"users":{"endpoints":[],"policy":{"timeoutMs":-1}}}}', 'services.users.policy.timeoutMs: expected'],
  ])('R04 names the file and the fault for %s', async (_, content, reason) => {
    const { message } = await complaintAbout(content)
    expect(message).toContain(`${path}: `)
    expect(message).toContain(reason)
  })

  it('R04 keeps the last good state while the file is malformed, tells why, and takes the next good one', async () => {
    await writeFile(path, listOf('h:1', 'h:0'))
    const events = new Events()
    const told: MeshEvents['registryError'][] = []
    const failed = new Promise<void>((resolve) => events.on('registryError', (event) => resolve(void told.push(event))))
    const resolver = createResolver({ registry: file(path), service: 'users', clock: systemClock, random: Math.random, events })
    const next = (): Promise<number[]> =>
      new Promise((resolve) => {
        const known = resolver.current
        const leave = resolver.subscribe((snapshot) => {
          if (snapshot !== known) resolve(snapshot.endpoints.map(({ port }) => port))
          if (snapshot !== known) queueMicrotask(() => leave())
        })
      })
    expect(await next()).toEqual([1])
    await writeFile(path, '{"services":')
    await failed
    expect(told[0]).toMatchObject({ service: 'users', retryInMs: 0, error: { code: 'MESH_ERR_SNAPSHOT' } })
    expect(resolver.current?.endpoints.map(({ port }) => port)).toEqual([1])
    const fixedAgain = next()
    await writeFile(path, listOf('h:2'))
    expect(await fixedAgain).toEqual([2])
    await resolver.close()
  })

  it('refuses a path that is none', () => {
    expect(() => file('')).toThrow(expect.objectContaining({ code: 'MESH_ERR_OPTION', message: expect.stringContaining('file.path') }))
  })
})
