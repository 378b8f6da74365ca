/** Comparisons of secrets whose duration does not depend on where the two differ. */
import { createHash, timingSafeEqual } from 'node:crypto'

/** Compares in constant time. The duration shows whether the lengths are equal, so it is for signatures and digests, whose length is known. */
export function equalInConstantTime(a: string | Uint8Array, b: string | Uint8Array): boolean {
  const left = toBytes(a)
  const right = toBytes(b)
  return left.length === right.length && timingSafeEqual(left, right)
}

/** Compares two secrets by their digests, so that the duration does not show their lengths either. */
export function isSameSecret(a: string, b: string): boolean {
  return timingSafeEqual(sha256(a), sha256(b))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function toBytes(value: string | Uint8Array): Uint8Array {
  return typeof value === 'string' ? Buffer.from(value) : value
}
