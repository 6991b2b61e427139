import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const dist = join(import.meta.dirname, '../../dist')
const isBuilt = existsSync(join(dist, 'index.js'))
if (!isBuilt && process.env['CI'] !== undefined) throw new Error('dist must be built where CI is set')

/** A built file with all that it loads of the package, as one text. */
function whole(file: string, seen = new Set<string>()): string {
  if (seen.has(file)) return ''
  seen.add(file)
  const text = readFileSync(join(dist, file), 'utf8')
  const parts = [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\()['"]\.\/([^'"]+)['"]/g)].map(([, part]) => part!)
  return [text, ...parts.map((part) => whole(part, seen))].join('\n')
}

// Names of a method and of a message that only the decoder has.
const DECODER = /\breadFixed64\b|\bresourceSpans\b/

describe.skipIf(!isBuilt)('what the control plane alone needs', () => {
  it.each(['index.js', 'index.cjs', 'express.js', 'fastify.js', 'web.js'])('is not loaded by %s', (file) => {
    expect(whole(file)).not.toMatch(DECODER)
  })

  it.each(['cli.js', 'cli.cjs', 'testing.js', 'testing.cjs'])('is bundled with %s, and asks for no package of its own', (file) => {
    expect(whole(file)).toMatch(DECODER)
    expect(whole(file)).not.toMatch(/['"]pbf['"]/)
  })
})
