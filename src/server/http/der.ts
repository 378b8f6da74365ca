/** Writes the few structures of DER that a certificate is made of (ITU-T X.690 §8 and §10). Nothing is parsed here. */

/** Returns a value with its tag and length, which is written in as few bytes as possible. */
export function tlv(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content])
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff]
  if (length > 0xff_ff) throw new RangeError(`${length} bytes are more than are written here`)
  return Buffer.concat([Buffer.of(tag, 0x80 | bytes.length, ...bytes), content])
}

export const sequence = (...parts: readonly Buffer[]): Buffer => tlv(0x30, ...parts)
/** A set of one member: of several, DER would want an order. */
export const set = (part: Buffer): Buffer => tlv(0x31, part)
export const octets = (bytes: Buffer): Buffer => tlv(0x04, bytes)
export const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text))
/** A member with a tag of its context around its own. */
export const explicit = (tag: number, part: Buffer): Buffer => tlv(0xa0 | tag, part)
/** A primitive member with a tag of its context in place of its own. */
export const implicit = (tag: number, bytes: Buffer): Buffer => tlv(0x80 | tag, bytes)
/** @param unusedBits The bits at the end of the last byte that are not part of the string; they must be 0. */
export const bitString = (bytes: Buffer, unusedBits = 0): Buffer =>
  tlv(0x03, Buffer.of(unusedBits), bytes)

/** @param bytes A number that is not negative: big-endian, without leading zeros, the first bit 0. */
export const integer = (bytes: Buffer): Buffer => tlv(0x02, bytes)

/** @param dotted At least two numbers, as in `2.5.4.3`. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tlv(0x06, Buffer.of(first * 40 + second), ...rest.map(encodeArc))
}

/** Seven bits a byte, of which all but the last have the highest bit set. */
function encodeArc(arc: number): Buffer {
  const bytes = [arc % 0x80]
  for (let left = Math.floor(arc / 0x80); left > 0; left = Math.floor(left / 0x80))
    bytes.unshift((left % 0x80) | 0x80)
  return Buffer.from(bytes)
}

/** Returns a time in whole seconds, from 2050 on with a year of four digits (RFC 5280 §4.1.2.5). */
export function time(instantMs: number): Buffer {
  const digits = new Date(instantMs).toISOString().slice(0, 19).replaceAll(/\D/g, '')
  const isShort = Number(digits.slice(0, 4)) < 2050
  return tlv(isShort ? 0x17 : 0x18, Buffer.from(`${isShort ? digits.slice(2) : digits}Z`))
}
