/** Shorter moduli can be factored by somebody who means it (NIST SP 800-131A). */
const MIN_MODULUS_BITS = 2048
/** The smallest exponent that padding mistakes have not broken yet (FIPS 186-5 §5.1). */
const MIN_EXPONENT = 65_537n

/**
 * Moduli made by Infineon's chips between 2012 and 2017 are, modulo each of these primes, a power of 65537. For others
 * the chance that it is so for all of them is below 2^-27 (Nemec et al., "The Return of Coppersmith's Attack", 2017).
 */
const ROCA_PRIMES = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]

/** What is wrong with an RSA public key, given as its big-endian numbers; undefined when nothing is. */
export function rsaWeakness(modulus: Uint8Array, exponent: Uint8Array): string | undefined {
  const n = bigIntOf(modulus)
  if (n.toString(2).length < MIN_MODULUS_BITS) return `an RSA key needs ${MIN_MODULUS_BITS} bits`
  const e = bigIntOf(exponent)
  if (e < MIN_EXPONENT || e % 2n === 0n) return `an RSA exponent must be odd and at least ${MIN_EXPONENT}`
  if (ROCA_PRIMES.every((prime) => isPowerOf65537(Number(n % BigInt(prime)), prime))) return 'an RSA key has the ROCA weakness'
  return undefined
}

function isPowerOf65537(residue: number, prime: number): boolean {
  const base = 65_537 % prime
  let power = 1
  do {
    if (power === residue) return true
    power = (power * base) % prime
  } while (power !== 1)
  return false
}

function bigIntOf(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex') || '0'}`)
}
