// What a person sees: headings, lines, bars, and claims with a tick or a cross.

export interface Style {
  bold(text: string): string
  dim(text: string): string
  good(text: string): string
  bad(text: string): string
}

/** Colours for a terminal; none where the output is piped or `NO_COLOR` is set (https://no-color.org). */
export function styleFor(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): Style {
  const isPlain = stream.isTTY !== true || (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb'
  const paint = (code: number) => (text: string) => (isPlain || text === '' ? text : `\x1b[${code}m${text}\x1b[0m`)
  return { bold: paint(1), dim: paint(2), good: paint(32), bad: paint(31) }
}

/** Prints as it goes, and remembers which claims held. */
export class Report {
  readonly style: Style
  readonly #write: (line: string) => void
  #held = 0
  #failed = 0

  constructor(style: Style, write: (line: string) => void) {
    this.style = style
    this.#write = write
  }

  get failed(): number {
    return this.#failed
  }

  heading(text: string): void {
    this.#write(`\n${this.style.bold(text)}`)
  }

  line(text = ''): void {
    this.#write(`  ${text}`.trimEnd())
  }

  /** A sentence and whether it is true. */
  claim(holds: boolean, sentence: string): void {
    if (holds) this.#held++
    else this.#failed++
    const mark = holds ? this.style.good('✓') : this.style.bad('✗')
    this.#write(`  ${mark} ${holds ? sentence : this.style.bad(sentence)}`)
  }

  /** The last word. */
  conclude(): void {
    const claims = this.#held + this.#failed
    const { bold, good, bad } = this.style
    const failed = this.#failed
    const word = failed === 0 ? good(`All ${claims} claims held.`) : bad(`${failed} of ${claims} claims did not hold.`)
    this.#write(`\n${bold(word)}`)
  }
}

const BAR_WIDTH = 30

/** A bar for a share from 0 to 1, filled up to its column. */
export function bar(share: number, width = BAR_WIDTH): string {
  return '█'.repeat(Math.round(share * width)).padEnd(width)
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

export function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`
}
