import { styleFor, type Style } from './colour.js'

/** Where a command prints. */
export interface Terminal {
  readonly isTerminal: boolean
  /** Columns that a line may take: those of the terminal, and without end where the output is piped. */
  readonly columns: number
  readonly rows: number
  readonly style: Style
  write(text: string): void
  /** Hears of a change of its size; the function that comes back ends it. */
  onResize(listener: () => void): () => void
}

/** What is used of a stream of Node. */
export type OutStream = Pick<NodeJS.WriteStream, 'write' | 'on' | 'off'> & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }

const USUAL_COLUMNS = 80
const USUAL_ROWS = 24

export function terminalOf(stream: OutStream, env: NodeJS.ProcessEnv): Terminal {
  const isTerminal = stream.isTTY === true
  return {
    isTerminal,
    // A terminal of no size is one whose size nobody told.
    get columns() {
      return isTerminal ? stream.columns || USUAL_COLUMNS : Infinity
    },
    get rows() {
      return isTerminal ? stream.rows || USUAL_ROWS : Infinity
    },
    style: styleFor(stream, env),
    write: (text) => void stream.write(text),
    onResize(listener) {
      stream.on('resize', listener)
      return () => void stream.off('resize', listener)
    },
  }
}

/** Prints lines, each with its end. */
export function printLines(terminal: Terminal, lines: readonly string[]): void {
  if (lines.length > 0) terminal.write(`${lines.join('\n')}\n`)
}

/** One document for programs. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.write(`${JSON.stringify(value, null, 2)}\n`)
}
