import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { styleFor } from '../../src/cli/colour.js'
import { drawTable, type Column } from '../../src/cli/table.js'
import { widthOf } from '../../src/cli/width.js'
import { anyText } from './any-text.js'

const plain = styleFor({}, {})
const coloured = styleFor({ isTTY: true }, {})
const ANSI = new RegExp(String.raw`${'\x1b'}\[\d+m`, 'g')

interface Row {
  readonly name: string
  readonly perSec: string
  readonly note: string
}

const columns: readonly Column<Row>[] = [
  { head: 'NAME', cell: ({ name }) => name, least: 4 },
  { head: 'RATE', align: 'right', cell: ({ perSec }) => ({ text: perSec, paint: coloured.good }) },
  { head: 'NOTE', rank: 1, least: 3, cell: ({ note }) => note },
]

const rows: readonly Row[] = [
  { name: 'users', perSec: '12.5/s', note: 'fine' },
  { name: '订单', perSec: '7/s', note: '👍 ok' },
]

const cell = (text: string): Column<Row>['cell'] => () => ({ text, paint: coloured.bad })

describe('drawTable', () => {
  it('aligns by what a terminal shows, numbers to the right, and leaves no spaces at the ends of lines', () => {
    const lines = drawTable(columns, rows, { width: Infinity, style: plain }).map((line) => line.replace(ANSI, ''))
    expect(lines).toEqual(['NAME     RATE  NOTE', 'users  12.5/s  fine', '订单      7/s  👍 ok'])
  })

  it('cuts what may be cut first, then leaves out what matters least, then cuts lines', () => {
    const at = (width: number): string[] => drawTable(columns, rows.slice(0, 1), { width, style: plain }).map((line) => line.replace(ANSI, ''))
    expect(at(18)).toEqual(['NAME    RATE  NOTE', 'use…  12.5/s  fine'])
    expect(at(16)).toEqual(['NAME     RATE', 'users  12.5/s'])
    expect(at(8)).toEqual(['NAME  R…', 'use…  1…'])
  })

  it('is never wider than the terminal, whatever stands in it', () => {
    const table = fc.array(fc.record({ name: anyText, perSec: anyText, note: anyText }), { maxLength: 5 })
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 90 }), (some, width) => {
        const lines = drawTable(columns, some, { width, style: coloured })
        expect(lines).toHaveLength(some.length + 1)
        for (const line of lines) expect(widthOf(line.replace(ANSI, ''))).toBeLessThanOrEqual(width)
      }),
    )
  })

  it('keeps everything where there is no end to a line', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,200}$/), (word) => {
        expect(drawTable([{ head: 'A', cell: cell(word), least: 1, rank: 1 }], rows, { width: Infinity, style: plain })[1]).toContain(word)
      }),
    )
  })

  it('colours words and not the space around them', () => {
    const [, line] = drawTable([{ head: 'WIDE HEAD', align: 'right', cell: cell('x') }], rows, { width: 80, style: coloured })
    expect(line).toBe(`        ${coloured.bad('x')}`)
  })
})

describe('styleFor', () => {
  it.each([
    ['a pipe', {}, {}],
    ['NO_COLOR', { isTTY: true }, { NO_COLOR: '1' }],
    ['a dumb terminal', { isTTY: true }, { TERM: 'dumb' }],
  ])('has no colours for %s', (_, stream, env) => {
    expect(styleFor(stream, env).bad('x')).toBe('x')
  })

  it('has them for a terminal', () => {
    expect(styleFor({ isTTY: true }, { NO_COLOR: '' }).bad('x')).toBe('\x1b[31mx\x1b[0m')
  })
})
