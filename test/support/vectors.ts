import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe } from 'vitest'

const FOLDER = new URL('../../../shared/vectors/', import.meta.url)

/** Tests on third-party vectors: skipped where there are none, but a missing folder fails under CI. */
export const describeVectors = describe.skipIf(!existsSync(FOLDER) && process.env['CI'] === undefined)

export function readVectors(path: string): string {
  return readFileSync(fileURLToPath(new URL(path, FOLDER)), 'utf8')
}
