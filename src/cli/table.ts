import type { Paint, Style } from './colour.js'
import { NONE } from './units.js'
import { fit, printable, widthOf } from './width.js'

/** What stands in a place of a table, and its colour. */
export interface Cell {
  readonly text: string
  readonly paint?: Paint | undefined
}

export interface Column<Row> {
  readonly head: string
  readonly cell: (row: Row) => string | Cell
  /** Numbers stand right, so that their places are under each other. Default left. */
  readonly align?: 'left' | 'right'
  /** The column may be cut down to so many columns of the terminal. Default: it is not cut. */
  readonly least?: number
  /** Where the terminal is too narrow, the column with the highest rank is left out first; one without, never. */
  readonly rank?: number
  /** The column is left out where none of its cells says anything. */
  readonly onlyIfAny?: true
}

export interface TableLook {
  /** Columns of the terminal; Infinity where lines are not cut. */
  readonly width: number
  readonly style: Style
}

interface Measured<Row> {
  readonly column: Column<Row>
  readonly cells: readonly Cell[]
  width: number
}

const GAP = '  '

/** A heading and a line for each row, none of them wider than the terminal. */
export function drawTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], { width, style }: TableLook): readonly string[] {
  const measured = columns.map((column) => measure(column, rows)).filter(saysAnything)
  const shown = shrunk(fitting(measured, width), width)
  const head = shown.map(({ column }) => ({ text: column.head, paint: style.bold }))
  return [head, ...rows.map((_, row) => shown.map(({ cells }) => cells[row]!))].map((cells) => drawLine(cells, shown, width))
}

function measure<Row>(column: Column<Row>, rows: readonly Row[]): Measured<Row> {
  const cells = rows.map((row) => {
    const cell = column.cell(row)
    return typeof cell === 'string' ? { text: printable(cell) } : { ...cell, text: printable(cell.text) }
  })
  return { column, cells, width: cells.reduce((widest, { text }) => Math.max(widest, widthOf(text)), widthOf(column.head)) }
}

function saysAnything<Row>({ column, cells }: Measured<Row>): boolean {
  return column.onlyIfAny !== true || cells.some(({ text }) => text !== NONE)
}

/** Leaves columns out until the rest, each at its least, has room. */
function fitting<Row>(all: readonly Measured<Row>[], width: number): readonly Measured<Row>[] {
  const leastOf = (one: Measured<Row>): number => Math.min(one.width, one.column.least ?? Infinity)
  const expendable = all.filter(({ column }) => column.rank !== undefined).sort((a, b) => b.column.rank! - a.column.rank!)
  let shown = all
  for (const one of expendable) {
    if (total(shown, leastOf) <= width) break
    shown = shown.filter((other) => other !== one)
  }
  return shown
}

/** Takes what is too much from the widest columns that may be cut. */
function shrunk<Row>(shown: readonly Measured<Row>[], width: number): readonly Measured<Row>[] {
  for (let excess = total(shown, (one) => one.width) - width; excess > 0; excess--) {
    const widest = shown.filter(({ column, width: now }) => now > (column.least ?? Infinity)).sort((a, b) => b.width - a.width)[0]
    if (widest === undefined) break
    widest.width--
  }
  return shown
}

function total<Row>(shown: readonly Measured<Row>[], widthOfOne: (one: Measured<Row>) => number): number {
  return shown.reduce((sum, one) => sum + widthOfOne(one), GAP.length * Math.max(shown.length - 1, 0))
}

function drawLine<Row>(cells: readonly Cell[], shown: readonly Measured<Row>[], width: number): string {
  let line = ''
  let left = width
  for (const [i, { text, paint = (plain: string) => plain }] of cells.entries()) {
    const gap = i === 0 ? '' : GAP
    if (left - gap.length < 1) break
    const columns = Math.min(shown[i]!.width, left - gap.length)
    left -= gap.length + columns
    const fitted = fit(text, columns, shown[i]!.column.align)
    // Spaces stay outside of the colour, where they can be taken from the end of the line.
    const [, before, word, after] = /^( *)(.*?)( *)$/su.exec(fitted)!
    line += gap + before + paint(word!) + after
  }
  return line.trimEnd()
}
