export type Paint = (text: string) => string

/** How words are set off from each other. */
export interface Style {
  readonly bold: Paint
  readonly dim: Paint
  readonly good: Paint
  readonly warn: Paint
  readonly bad: Paint
}

/** Colours for a terminal; none where the output is piped, where `NO_COLOR` is set (https://no-color.org) or the terminal is dumb. */
export function styleFor(stream: { readonly isTTY?: boolean | undefined }, env: NodeJS.ProcessEnv): Style {
  const isPlain = stream.isTTY !== true || (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  const paint = (code: number) => (text: string) => (isPlain || text === '' ? text : `\x1b[${code}m${text}\x1b[0m`)
  return { bold: paint(1), dim: paint(2), good: paint(32), warn: paint(33), bad: paint(31) }
}

/** From this share of successes on all is well, and below the other it is not. */
const GOOD_RATIO = 0.99
const BAD_RATIO = 0.95

/** The colour of a share of successes. */
export function paintOfRatio(style: Style, ratio: number | null | undefined): Paint | undefined {
  if (ratio == null) return undefined
  if (ratio >= GOOD_RATIO) return style.good
  return ratio < BAD_RATIO ? style.bad : style.warn
}

/** The colour of a count of what should not happen. */
export function paintOfCount(style: Style, count: number | null | undefined): Paint | undefined {
  return count ? style.bad : style.dim
}
