/**
 * CRC-32C (Castagnoli) and CRC-64/NVME, which Node does not offer. Both process eight bytes a step with eight tables, which is
 * about six times faster than one byte a step. The tables are created on first use.
 */

/** Reflected polynomials: RFC 3720 appendix B.4; NVM Express base specification, 64-bit CRC. */
export const crc32cPolynomial = 0x82f63b78
export const crc64NvmePolynomial = 0x9a6c9329ac4bc9b5n

let crc32cTables: Int32Array | undefined
let crc64Tables: { readonly low: Int32Array; readonly high: Int32Array } | undefined

/** Continues a CRC-32C over `data`; begin with 0. */
export function updateCrc32c(previous: number, data: Uint8Array): number {
  const table = (crc32cTables ??= makeCrc32cTables())
  const at = (index: number): number => table[index] ?? 0
  const whole = data.length - (data.length % 8)
  let crc = ~previous
  let offset = 0
  for (; offset < whole; offset += 8) {
    const low = crc ^ readWord(data, offset)
    const high = readWord(data, offset + 4)
    crc =
      at(1792 + (low & 255)) ^
      at(1536 + ((low >>> 8) & 255)) ^
      at(1280 + ((low >>> 16) & 255)) ^
      at(1024 + (low >>> 24)) ^
      at(768 + (high & 255)) ^
      at(512 + ((high >>> 8) & 255)) ^
      at(256 + ((high >>> 16) & 255)) ^
      at(high >>> 24)
  }
  for (; offset < data.length; offset += 1) {
    crc = (crc >>> 8) ^ at((crc ^ (data[offset] ?? 0)) & 255)
  }
  return ~crc >>> 0
}

/** The two halves of a CRC-64, as unsigned 32-bit numbers. */
export interface Crc64 {
  readonly high: number
  readonly low: number
}

/** Continues a CRC-64/NVME over `data`; begin with `{ high: 0, low: 0 }`. */
export function updateCrc64Nvme(previous: Crc64, data: Uint8Array): Crc64 {
  const tables = (crc64Tables ??= makeCrc64Tables())
  const lowTable = tables.low
  const highTable = tables.high
  const whole = data.length - (data.length % 8)
  let low = ~previous.low
  let high = ~previous.high
  let offset = 0
  for (; offset < whole; offset += 8) {
    const first = low ^ readWord(data, offset)
    const second = high ^ readWord(data, offset + 4)
    low = 0
    high = 0
    for (let index = 0; index < 4; index += 1) {
      const early = (7 - index) * 256 + ((first >>> (8 * index)) & 255)
      const late = (3 - index) * 256 + ((second >>> (8 * index)) & 255)
      low ^= (lowTable[early] ?? 0) ^ (lowTable[late] ?? 0)
      high ^= (highTable[early] ?? 0) ^ (highTable[late] ?? 0)
    }
  }
  for (; offset < data.length; offset += 1) {
    const index = (low ^ (data[offset] ?? 0)) & 255
    low = ((low >>> 8) | (high << 24)) ^ (lowTable[index] ?? 0)
    high = (high >>> 8) ^ (highTable[index] ?? 0)
  }
  return { high: ~high >>> 0, low: ~low >>> 0 }
}

function readWord(data: Uint8Array, offset: number): number {
  return (
    (data[offset] ?? 0) |
    ((data[offset + 1] ?? 0) << 8) |
    ((data[offset + 2] ?? 0) << 16) |
    ((data[offset + 3] ?? 0) << 24)
  )
}

function makeCrc32cTables(): Int32Array {
  const table = new Int32Array(8 * 256)
  for (let index = 0; index < 256; index += 1) {
    let crc = index
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ crc32cPolynomial : crc >>> 1
    table[index] = crc
  }
  for (let index = 256; index < table.length; index += 1) {
    const before = table[index - 256] ?? 0
    table[index] = (before >>> 8) ^ (table[before & 255] ?? 0)
  }
  return table
}

function makeCrc64Tables(): { low: Int32Array; high: Int32Array } {
  const values: bigint[] = []
  for (let index = 0n; index < 256n; index += 1n) {
    let crc = index
    for (let bit = 0; bit < 8; bit += 1)
      crc = crc & 1n ? (crc >> 1n) ^ crc64NvmePolynomial : crc >> 1n
    values.push(crc)
  }
  for (let index = 256; index < 8 * 256; index += 1) {
    const before = values[index - 256] ?? 0n
    values.push((before >> 8n) ^ (values[Number(before & 255n)] ?? 0n))
  }
  return {
    low: Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value))),
    high: Int32Array.from(values, (value) => Number(BigInt.asIntN(32, value >> 32n))),
  }
}
