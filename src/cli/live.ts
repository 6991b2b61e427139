import { pause } from '../base/pause.js'
import type { World } from './command.js'
import { SourceError } from './source.js'
import type { Terminal } from './terminal.js'
import { lineOf } from './width.js'

export interface Live {
  readonly intervalMs: number
  /** The lines of one picture; they may be too many for the screen. */
  readonly draw: () => Promise<readonly string[]>
}

// DEC private modes: the alternate screen (1049) keeps what was there before, and the cursor (25) would only blink about.
const ENTER = '\x1b[?1049h\x1b[?25l'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const HOME = '\x1b[H'
const END_OF_LINE = '\x1b[K'
const REST_OF_SCREEN = '\x1b[J'
/** Ctrl-C, Ctrl-D and q, as a terminal in raw mode sends them. */
const ENDING_KEYS = /[\x03\x04qQ]/

/** Draws in place until somebody ends it; the terminal is then as it was before. What is first drawn may fail, the rest is tried again. */
export async function showLive({ intervalMs, draw }: Live, { out, stdin, clock }: World, signal: AbortSignal, interrupt: () => void): Promise<void> {
  let lines = await draw()
  const onKey = (keys: Buffer): void => {
    if (ENDING_KEYS.test(keys.toString('latin1'))) interrupt()
  }
  const restore = (): void => {
    if (stdin.isTTY) stdin.setRawMode(false)
    out.write(LEAVE)
  }
  // For an end that nobody foresaw.
  process.once('exit', restore)
  out.write(ENTER)
  if (stdin.isTTY) stdin.setRawMode(true)
  stdin.on('data', onKey).resume()
  const stopListening = out.onResize(() => paint(out, lines))
  try {
    while (!signal.aborted) {
      paint(out, lines)
      await pause(clock, intervalMs, signal)
      if (!signal.aborted) lines = await redraw(draw, lines, out)
    }
  } finally {
    stopListening()
    stdin.off('data', onKey).pause()
    process.off('exit', restore)
    restore()
  }
}

/** The next picture, or the last one and what went wrong. */
async function redraw(draw: Live['draw'], last: readonly string[], out: Terminal): Promise<readonly string[]> {
  try {
    return await draw()
  } catch (error) {
    if (!(error instanceof SourceError)) throw error
    const [first = ''] = error.message.split('\n')
    return [out.style.bad(lineOf(`${first}; trying again`, out.columns)), ...last.slice(1)]
  }
}

function paint(out: Terminal, lines: readonly string[]): void {
  const shown = lines.length <= out.rows ? lines : [...lines.slice(0, out.rows - 1), out.style.dim(`… ${lines.length - out.rows + 1} lines more`)]
  out.write(`${HOME}${shown.map((line) => line + END_OF_LINE).join('\n')}${REST_OF_SCREEN}`)
}

/** How long to wait between two pictures. */
export const intervalOption = {
  interval: { type: 'string', short: 'i', value: '<time>', about: 'how often to look again (default 2s)' },
} as const

