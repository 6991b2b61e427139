import { describe, expect, it } from 'vitest'
import { functionTokens } from '../../src/auth/token-source.js'

describe('token function', () => {
  it('is asked for each audience, and its answer given on at once when it is at hand', async () => {
    expect(functionTokens((audience) => `token-for-${audience}`).token('users')).toBe('token-for-users')
    await expect(functionTokens(async (audience) => `token-for-${audience}`).token('users')).resolves.toBe('token-for-users')
  })

  it.each([undefined, '', 'two words', 'a\r\nx-admin: 1', 42])('takes nothing that is no bearer token: %j', async (answer) => {
    const error = expect.objectContaining({ code: 'MESH_ERR_IDENTITY' })
    await expect(async () => functionTokens(() => answer as string).token('users')).rejects.toEqual(error)
    await expect(functionTokens(async () => answer as string).token('users')).rejects.toEqual(error)
  })
})
