import { closeSync, constants, fchmodSync, fstatSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'

const MODE = 0o600
/** Neither exists on Windows. */
const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants as Partial<typeof constants>

/** What a file holds that nobody but this user may read or write; undefined when there is none. Throws for any other. */
export function readPrivateFile(path: string, maxBytes: number): string | undefined {
  let file: number
  try {
    // A link could lead elsewhere after the check, and a pipe would be waited for.
    file = openSync(path, constants.O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw code === 'ELOOP' ? new Error('it is a link; name the file itself') : cause
  }
  try {
    check(path, fstatSync(file), maxBytes)
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

function check(path: string, stats: Stats, maxBytes: number): void {
  if (!stats.isFile()) throw new Error('it is no file')
  if (stats.size > maxBytes) throw new Error(`it is over ${maxBytes} bytes`)
  // Windows keeps its rights elsewhere.
  if (process.getuid === undefined) return
  if (stats.uid !== process.getuid()) throw new Error('it belongs to another user')
  if ((stats.mode & 0o077) !== 0) {
    throw new Error(`others may read or write it (mode ${(stats.mode & 0o777).toString(8)}); if nobody has, chmod 600 ${path}`)
  }
}

/** Replaces a file whole: whoever reads it, also after a power cut, finds the old content or the new. */
export function writePrivateFile(path: string, content: string): void {
  const unfinished = `${path}.new`
  rmSync(unfinished, { force: true })
  const file = openSync(unfinished, 'wx', MODE)
  try {
    fchmodSync(file, MODE)
    writeSync(file, content)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(unfinished, path)
  syncFolder(dirname(path))
}

/** Without it, a power cut may undo the renaming. */
function syncFolder(path: string): void {
  if (process.platform === 'win32') return
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
