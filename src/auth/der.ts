/** One value of DER (X.690 §8.1): what kind it is and what it holds. */
export interface DerValue {
  readonly tag: number
  readonly content: Uint8Array
}

/** Tags that a certificate's extensions are made of (X.690 §8; RFC 5280 §4.1). */
export const DER = Object.freeze({ BOOLEAN: 0x01, BIT_STRING: 0x03, OCTET_STRING: 0x04, OID: 0x06, SEQUENCE: 0x30, EXTENSIONS: 0xa3 })

/** What is no DER, or not the value that was asked for. */
export class DerError extends Error {}

/** Takes the values apart that stand one behind the other. Throws {@link DerError} when they are not exactly these bytes. */
export function derValues(bytes: Uint8Array): readonly DerValue[] {
  const values: DerValue[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!
    // No certificate needs a tag of more than one byte.
    if ((tag & 0x1f) === 0x1f) throw new DerError('a tag of several bytes')
    const { length, start } = lengthAt(bytes, at + 1)
    if (start + length > bytes.length) throw new DerError('a value that is cut short')
    values.push({ tag, content: bytes.subarray(start, start + length) })
    at = start + length
  }
  return values
}

/** The values inside the one value of this kind that the bytes are. */
export function derSequence(bytes: Uint8Array, tag: number = DER.SEQUENCE): readonly DerValue[] {
  const [value, ...more] = derValues(bytes)
  if (value?.tag !== tag || more.length > 0) throw new DerError('another value than was expected')
  return derValues(value.content)
}

/** One length has one form (X.690 §10.1), so that no two readers see different values. */
function lengthAt(bytes: Uint8Array, at: number): { readonly length: number; readonly start: number } {
  const first = bytes[at]
  if (first === undefined) throw new DerError('a value that is cut short')
  if (first < 0x80) return { length: first, start: at + 1 }
  const count = first & 0x7f
  if (count === 0 || count > 4 || at + count >= bytes.length) throw new DerError('a length that cannot be')
  let length = 0
  for (let i = 1; i <= count; i++) length = length * 256 + bytes[at + i]!
  if (length < 0x80 || length < 256 ** (count - 1)) throw new DerError('a length that could be shorter')
  return { length, start: at + 1 + count }
}

/** The dotted text of an object identifier (X.690 §8.19). */
export function oidText(content: Uint8Array): string {
  const arcs: number[] = []
  let arc = 0
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f)
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new DerError('an identifier that cannot be')
    if (byte >= 0x80) continue
    if (arcs.length === 0) arcs.push(Math.min(Math.floor(arc / 40), 2), arc - 40 * Math.min(Math.floor(arc / 40), 2))
    else arcs.push(arc)
    arc = 0
  }
  if (arcs.length === 0 || content.at(-1)! >= 0x80) throw new DerError('an identifier that is cut short')
  return arcs.join('.')
}
