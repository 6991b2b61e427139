import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as attributes from '../../src/telemetry/attributes.js'
import { instruments } from '../../src/telemetry/instruments.js'

const page = readFileSync('docs/telemetry.md', 'utf8')

describe('docs/telemetry.md', () => {
  it('lists every metric with its kind, unit, description and attributes, and no other', () => {
    const written = page.split('\n').filter((line) => /^\| `(?:http|mesh)\.[^|]*\| (?:counter|gauge|histogram) \|/.test(line))
    const declared = Object.values(instruments).map(
      ({ name, kind, unit, description, attributes: own }) => `| \`${name}\` | ${kind} | \`${unit}\` | ${description} | ${own.map((of) => `\`${of}\``).join(', ')} |`,
    )
    expect(declared.length).toBeGreaterThan(25)
    expect(written).toEqual(declared)
  })

  it('names every attribute of our own that a span may bear', () => {
    const own = Object.values(attributes).filter((value) => typeof value === 'string' && value.startsWith('mesh.'))
    expect(own.length).toBeGreaterThan(10)
    expect(own.filter((name) => !page.includes(`\`${String(name)}\``))).toEqual([])
  })

  it('no metric is told apart by a path, and none but a gauge by an instance', () => {
    const all = Object.values(instruments)
    expect(all.filter(({ attributes: own }) => own.some((name) => name.startsWith('url.path') || name === 'url.full'))).toEqual([])
    expect(all.filter(({ kind, attributes: own }) => kind !== 'gauge' && own.some((name) => /^mesh\.endpoint\.id|network\.peer/.test(name)))).toEqual([])
  })
})
