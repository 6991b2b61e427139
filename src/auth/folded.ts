/** A text in which letters are alike that differ in case alone, by either of the two ways in which routers compare. */
export function folded(text: string): string {
  return text.toLowerCase().toUpperCase()
}
