const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** Blocks whose characters take two columns, by East Asian Width W and F (Unicode Standard Annex #11). */
const WIDE =
  /^[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18d8f}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u
/** What terminals draw as a picture: by itself, with the selector that asks for it, or as a flag of two letters. */
const EMOJI = /^(?:\p{Emoji_Presentation}|\p{Emoji}\u{fe0f}|\p{Regional_Indicator}{2})/u
const NOTHING = /^[\p{Mn}\p{Me}\p{Cf}]+$/u
/** Nearly all that is ever shown, a column for each character: Latin letters, dashes, arrows and lines. */
const PLAIN = /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027\u2190-\u2193\u21d2\u2500-\u257f]*$/

/**
 * What could move the cursor, colour the screen, hide or turn text around, if it came from a span or a registry: controls,
 * invisible formats (the joiner of emoji aside) and lone surrogates.
 */
const UNSAFE = /(?!\u200d)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** The text with a mark in the place of everything that must not reach a terminal. */
export function printable(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSAFE, '\ufffd')
}

/** How many columns of a terminal a text takes. */
export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  let width = 0
  for (const { segment } of graphemes.segment(text)) width += clusterWidth(segment)
  return width
}

/** The text in so many columns at most; an ellipsis stands where it was cut. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  if (columns < 1) return ''
  if (PLAIN.test(text)) return `${text.slice(0, columns - 1)}…`
  let kept = ''
  let width = 1
  for (const { segment } of graphemes.segment(text)) {
    width += clusterWidth(segment)
    if (width > columns) break
    kept += segment
  }
  return `${kept}…`
}

/** A line of text of any origin, made printable and cut to the width of a terminal. */
export function lineOf(text: string, columns: number): string {
  return cut(printable(text), columns)
}

/** The text in exactly so many columns, cut or filled up. */
export function fit(text: string, columns: number, align: 'left' | 'right' = 'left'): string {
  const shown = cut(text, columns)
  const gap = ' '.repeat(Math.max(columns - widthOf(shown), 0))
  return align === 'right' ? gap + shown : shown + gap
}

function clusterWidth(cluster: string): number {
  if (NOTHING.test(cluster)) return 0
  return WIDE.test(cluster) || EMOJI.test(cluster) ? 2 : 1
}
