import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { version } from '../../src/base/version.js'

it('is the version of the package', () => {
  const { version: packageVersion } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
  expect(version).toBe(packageVersion)
})
