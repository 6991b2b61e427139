import { DER, derSequence, derValues, DerError, oidText } from './der.js'

/** What the extensions of a certificate say (RFC 5280 §4.2.1); Node tells of these no more than a text, or nothing. */
export interface CertificateExtensions {
  /** `uniformResourceIdentifier`s among the subject's alternative names, in order. */
  readonly uris: readonly string[]
  /** `cA` of the basic constraints. */
  readonly isAuthority: boolean
  /** Undefined when the certificate says nothing of it. */
  readonly keyUsage: { readonly digitalSignature: boolean; readonly keyCertSign: boolean; readonly cRLSign: boolean } | undefined
  /** Object identifiers; undefined when the certificate says nothing of it. */
  readonly extendedKeyUsage: readonly string[] | undefined
}

const NAMES = '2.5.29.17'
const CONSTRAINTS = '2.5.29.19'
const KEY_USAGE = '2.5.29.15'
const EXTENDED_KEY_USAGE = '2.5.29.37'

const URI = 0x86

/** Reads the extensions of a certificate in DER. Throws {@link DerError}, also when one of them stands twice. */
export function certificateExtensions(certificate: Uint8Array): CertificateExtensions {
  const found = extensionsIn(certificate)
  const names = found.get(NAMES)
  const constraints = found.get(CONSTRAINTS)
  const usage = found.get(KEY_USAGE)
  const extended = found.get(EXTENDED_KEY_USAGE)
  return {
    uris: names === undefined ? [] : derSequence(names).filter(({ tag }) => tag === URI).map(({ content }) => asciiText(content)),
    isAuthority: constraints !== undefined && derSequence(constraints).some(({ tag, content }) => tag === DER.BOOLEAN && content[0] !== 0),
    keyUsage: usage && keyUsageOf(usage),
    extendedKeyUsage: extended && derSequence(extended).map(({ content }) => oidText(content)),
  }
}

/** Identifier of each extension → its value. */
function extensionsIn(certificate: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const [toBeSigned] = derSequence(certificate)
  const block = toBeSigned === undefined ? undefined : derValues(toBeSigned.content).find(({ tag }) => tag === DER.EXTENSIONS)
  const found = new Map<string, Uint8Array>()
  if (block === undefined) return found
  for (const { content } of derSequence(block.content)) {
    const [id, ...rest] = derValues(content)
    const value = rest.at(-1)
    if (id?.tag !== DER.OID || value?.tag !== DER.OCTET_STRING) throw new DerError('an extension that is none')
    const name = oidText(id.content)
    // RFC 5280 §4.2 forbids it: two readers could go by different ones.
    if (found.has(name)) throw new DerError(`the extension ${name} twice`)
    found.set(name, value.content)
  }
  return found
}

/** Bit 0 is the highest of the first byte, behind the one that counts what is unused. */
function keyUsageOf(value: Uint8Array): CertificateExtensions['keyUsage'] {
  const [bits, ...more] = derValues(value)
  if (bits?.tag !== DER.BIT_STRING || more.length > 0) throw new DerError('a key usage that is none')
  const first = bits.content[1] ?? 0
  return { digitalSignature: (first & 0x80) !== 0, keyCertSign: (first & 0x04) !== 0, cRLSign: (first & 0x02) !== 0 }
}

function asciiText(content: Uint8Array): string {
  // An IA5String has seven bits; what has more is kept as such, and is no SPIFFE ID then.
  return Buffer.from(content).toString('latin1')
}
