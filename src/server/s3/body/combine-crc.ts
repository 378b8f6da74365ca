/**
 * Combines CRCs: the CRC of two texts in a row from the CRC and length of each, without their bytes. Appending n zero bytes to a text multiplies
 * its CRC by x^(8n) modulo the polynomial, and CRCs are linear (Mark Adler's `crc32_combine` in zlib explains it; the initial and final
 * inversions cancel out). Polynomials are reflected: the highest bit is x^0.
 */
import type { ChecksumAlgorithm } from './checksum.ts'
import type { Crc64 } from './crc-tables.ts'
import { crc32cPolynomial, crc64NvmePolynomial } from './crc-tables.ts'

export type CombinableAlgorithm = Extract<ChecksumAlgorithm, 'CRC32' | 'CRC32C' | 'CRC64NVME'>

/** Reflected polynomial of CRC-32 (ISO 3309, as in zlib). */
const crc32Polynomial = 0xedb88320

const polynomials: Readonly<Record<CombinableAlgorithm, { value: bigint; bits: 32 | 64 }>> = {
  CRC32: { value: BigInt(crc32Polynomial), bits: 32 },
  CRC32C: { value: BigInt(crc32cPolynomial), bits: 32 },
  CRC64NVME: { value: crc64NvmePolynomial, bits: 64 },
}

/** Returns whether CRCs of this algorithm can be combined. */
export function isCombinable(algorithm: ChecksumAlgorithm): algorithm is CombinableAlgorithm {
  return Object.hasOwn(polynomials, algorithm)
}

/** Lengths up to 2^53 bytes have this many bits. */
const lengthBits = 53

interface Field {
  multiply(left: Crc64, right: Crc64): Crc64
  /** Element k is x^(8·2^k): the factor of 2^k bytes. */
  readonly powers: readonly Crc64[]
}

const fields = new Map<CombinableAlgorithm, Field>()

/**
 * Returns the CRC of texts in a row. The cost grows with the number of texts, hardly with their lengths: ten thousand take some milliseconds.
 *
 * @param texts The CRC of each text, in base64 (big-endian), and its length in bytes.
 * @returns The CRC in base64.
 */
export function combineCrcs(
  algorithm: CombinableAlgorithm,
  texts: readonly { readonly value: string; readonly size: number }[],
): string {
  const field = fields.get(algorithm) ?? openField(algorithm)
  fields.set(algorithm, field)
  const factors = new Map<number, Crc64>()
  let sum: Crc64 = { high: 0, low: 0 }
  for (const { value, size } of texts) {
    // Parts of an upload have one size, but for the last.
    const factor = factors.get(size) ?? raise(field, size)
    factors.set(size, factor)
    const moved = field.multiply(factor, sum)
    const own = decode(value)
    sum = { high: moved.high ^ own.high, low: moved.low ^ own.low }
  }
  return encode(sum, polynomials[algorithm].bits)
}

/** Returns the factor of `size` zero bytes. */
function raise({ multiply, powers }: Field, size: number): Crc64 {
  let product: Crc64 | undefined
  let rest = size
  for (const power of powers) {
    if (rest % 2 === 1) product = product === undefined ? power : multiply(power, product)
    rest = Math.floor(rest / 2)
    if (rest === 0) break
  }
  return product ?? powers[lengthBits] ?? { high: 0, low: 0 }
}

function openField(algorithm: CombinableAlgorithm): Field {
  const { value, bits } = polynomials[algorithm]
  const high = Number(BigInt.asIntN(32, value >> 32n))
  const low = Number(BigInt.asIntN(32, value))
  const multiply = (left: Crc64, right: Crc64): Crc64 =>
    multiplyModulo(left, right, { high, low, bits })
  const one = bits === 64 ? { high: 1 << 31, low: 0 } : { high: 0, low: 1 << 31 }
  // x^8: the bit of x^0 moved by eight.
  let power: Crc64 =
    bits === 64 ? { high: one.high >>> 8, low: 0 } : { high: 0, low: one.low >>> 8 }
  const powers: Crc64[] = []
  for (let index = 0; index < lengthBits; index += 1) {
    powers.push(power)
    power = multiply(power, power)
  }
  return { multiply, powers: [...powers, one] }
}

/** Multiplies two polynomials: for each bit of `left`, adds `right` times that power of x. */
function multiplyModulo(
  left: Crc64,
  right: Crc64,
  modulus: Crc64 & { readonly bits: 32 | 64 },
): Crc64 {
  let [high, low] = [0, 0]
  let [termHigh, termLow] = [right.high, right.low]
  for (let bit = 0; bit < modulus.bits; bit += 1) {
    const word = modulus.bits === 64 && bit < 32 ? left.high : left.low
    if ((word >>> (31 - (bit % 32))) & 1) {
      high ^= termHigh
      low ^= termLow
    }
    const isOver = termLow & 1
    termLow = (termLow >>> 1) | (termHigh << 31)
    termHigh >>>= 1
    if (isOver) {
      termHigh ^= modulus.high
      termLow ^= modulus.low
    }
  }
  return { high, low }
}

function decode(value: string): Crc64 {
  const bytes = Buffer.from(value, 'base64')
  const high = bytes.length === 8 ? bytes.readInt32BE(0) : 0
  return { high, low: bytes.readInt32BE(bytes.length - 4) }
}

function encode({ high, low }: Crc64, bits: 32 | 64): string {
  const bytes = Buffer.alloc(bits / 8)
  if (bits === 64) bytes.writeInt32BE(high | 0, 0)
  bytes.writeInt32BE(low | 0, bytes.length - 4)
  return bytes.toString('base64')
}
