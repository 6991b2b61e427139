import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { widthOf } from '../../src/cli/width.js'
import { onTerminal, printed } from './command.js'
import { smallMesh } from './fed.js'

const ENTER = '\x1b[?1049h'
const LEAVE = '\x1b[?25h\x1b[?1049l'
 
const ANSI = /\x1b\[[?\d;]*[A-Za-z]/g

/** The lines of one picture of top. */
function pictures(text: string): string[][] {
  return text.split('\x1b[H').slice(1).map((picture) => picture.replace(ANSI, '').split('\r\n'))
}

/** The command itself, which `script` has started. */
function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}

describe('sidecarless top on a terminal', () => {
  it('draws in place, in colour and within the terminal, and leaves it as it was on q', async () => {
    const { url } = await smallMesh()
    const top = onTerminal(['top', '--url', url, '--interval', '200ms'], { columns: 70, rows: 10 })
    const text = await printed(top, /\x1b\[H[^]*\x1b\[H[^]*\x1b\[J/)  
    top.child.stdin!.write('q')
    const { code, stdout } = await top.finished
    expect(code).toBe(0)
    expect(stdout.startsWith(ENTER)).toBe(true)
    expect(stdout.trimEnd().endsWith(LEAVE)).toBe(true)
    expect(text).toContain('\x1b[31m')
    for (const lines of pictures(text)) {
      expect(lines.length).toBeLessThanOrEqual(10)
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(70)
      expect(lines.find((line) => line.startsWith('users '))).toBeDefined()
    }
  })

  it.each([
    ['Ctrl-C is typed', (top: ReturnType<typeof onTerminal>) => top.child.stdin!.write('\x03')],
    ['it is asked to end', (top: ReturnType<typeof onTerminal>) => process.kill(childOf(top.child.pid!), 'SIGTERM')],
  ])('leaves the terminal as it was when %s', async (_, end) => {
    const { url } = await smallMesh()
    const top = onTerminal(['top', '--url', url], { columns: 100, rows: 30 })
    await printed(top, /users/)
    end(top)
    expect((await top.finished).stdout).toContain(LEAVE)
  })

  it('goes on when the control plane is gone, and says so', async () => {
    const { url, close } = await smallMesh()
    const top = onTerminal(['top', '--url', url, '--interval', '100ms'], { columns: 120, rows: 30 })
    await printed(top, /users/)
    await close()
    const text = await printed(top, /trying again/)
    top.child.stdin!.write('q')
    expect(await top.finished).toMatchObject({ code: 0, stdout: expect.stringContaining(LEAVE) })
    expect(text).toMatch(/No control plane answers at .*; trying again/)
  })

  it('says what to do where none answers at the start, without taking the screen', async () => {
    const { code, stdout } = await onTerminal(['top', '--url', '127.0.0.1:1'], { columns: 120, rows: 30 }).finished
    expect(code).toBe(1)
    expect(stdout).toContain("Start one with 'sidecarless dev'")
    expect(stdout).not.toContain(ENTER)
  })

  it('shows it once where that is asked, without taking the screen, and without colours where NO_COLOR is set', async () => {
    const { url } = await smallMesh()
    const { code, stdout } = await onTerminal(['top', '--once', '--url', url], { columns: 60, rows: 30 }, { NO_COLOR: '1' }).finished
    expect(code).toBe(0)
    expect(stdout).not.toContain('\x1b')
    expect(stdout).toContain('orders')
    for (const line of stdout.split('\r\n')) expect(widthOf(line)).toBeLessThanOrEqual(60)
  })
})
