import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

it('documents every error code, and no other', () => {
  const union = readFileSync('src/base/errors.ts', 'utf8')
  const declared = [...union.matchAll(/^ {2}\| '(MESH_ERR_\w+)'$/gm)].map((match) => match[1]).sort()
  const documented = [...readFileSync('docs/errors.md', 'utf8').matchAll(/^\| `(MESH_ERR_\w+)` \|/gm)].map((match) => match[1]).sort()
  expect(declared.length).toBeGreaterThan(20)
  expect(documented).toEqual(declared)
})
