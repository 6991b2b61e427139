import { watch } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Clock } from '../base/clock.js'
import { pause } from '../base/pause.js'
import { Bell } from './bell.js'

/** How long to wait after a touch, so that a save in progress is not read half done. */
const QUIET_MS = 50

/** How often to look without having been touched: a network drive or a link to elsewhere brings no news by itself. */
const LOOK_MS = 2_000

/**
 * Yields what a file of at most `maxBytes` holds, or why it cannot be read, at once and whenever that changes. Ends when
 * `signal` aborts.
 */
export async function* fileContents(
  path: string,
  maxBytes: number,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<string | Error> {
  const bell = new Bell()
  let touches = 0
  const touch = (): void => {
    touches++
    bell.ring()
  }
  let timer = clock.after(LOOK_MS, function look() {
    timer = clock.after(LOOK_MS, look)
    touch()
  })
  // The folder, not the file: a file that is replaced by renaming is another file, and its watcher would stay with the old one.
  const watcher = watchFolder(dirname(path), touch)
  let seen: { readonly stamp: string; readonly content: string } | undefined
  try {
    while (!signal.aborted) {
      const touchesBefore = touches
      const stamp = await stampOf(path)
      if (stamp !== seen?.stamp) {
        const content = await read(path, maxBytes).catch((error: Error) => error)
        const changed = String(content) !== seen?.content
        seen = { stamp, content: String(content) }
        if (changed) yield content
      }
      if (touches === touchesBefore) await bell.rung(signal)
      await pause(clock, QUIET_MS, signal)
    }
  } finally {
    timer.cancel()
    watcher?.close()
  }
}

function watchFolder(folder: string, onTouch: () => void): { close(): void } | undefined {
  try {
    return watch(folder, { persistent: false }, onTouch).on('error', () => {})
  } catch {
    // The folder may be missing, or the system out of watches: looking now and then must do.
    return undefined
  }
}

async function read(path: string, maxBytes: number): Promise<string> {
  const { size } = await stat(path)
  if (size > maxBytes) throw new Error(`expected at most ${maxBytes} bytes, got ${size}`)
  return readFile(path, 'utf8')
}

/** Differs whenever the file was written or replaced. */
async function stampOf(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true })
    return `${ino}:${size}:${mtimeNs}`
  } catch (error) {
    return String(error)
  }
}
