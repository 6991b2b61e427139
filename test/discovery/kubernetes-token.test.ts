import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { tokenReader } from '../../src/discovery/kubernetes-token.js'
import { FakeClock } from '../support/fake-clock.js'

let dir: string
let path: string
const clock = new FakeClock()
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'token-'))
  path = join(dir, 'token')
})
afterEach(() => rm(dir, { recursive: true }))

describe('a token in a file', () => {
  it('is read again after a minute, and not before', async () => {
    const read = tokenReader(path, clock)
    await writeFile(path, 'first\n')
    expect(await read()).toBe('first')
    await writeFile(path, 'second')
    await clock.advance(59_999)
    expect(await read()).toBe('first')
    await clock.advance(1)
    expect(await read()).toBe('second')
  })

  it('is read again at once when it was refused, and only then', async () => {
    const read = tokenReader(path, clock)
    await writeFile(path, 'first')
    await read()
    await writeFile(path, 'second')
    expect(await read('older')).toBe('first')
    expect(await read('first')).toBe('second')
  })

  it('stays in use while the file is missing or empty', async () => {
    const read = tokenReader(path, clock)
    await writeFile(path, 'first')
    await read()
    await writeFile(path, '')
    expect(await read('first')).toBe('first')
    await rm(path)
    await clock.advance(60_000)
    expect(await read()).toBe('first')
  })

  it('is missed with the path when there never was one', async () => {
    const read = tokenReader(path, clock)
    await expect(read()).rejects.toMatchObject({ code: 'MESH_ERR_REGISTRY', message: expect.stringContaining(path) })
    await writeFile(path, ' \n')
    await expect(read()).rejects.toThrow(`There is no token for Kubernetes: ${path} is empty`)
    await writeFile(path, 'first')
    expect(await read()).toBe('first')
  })
})
