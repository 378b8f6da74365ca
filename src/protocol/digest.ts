/** Digests and HMACs of data that is in memory. Data that arrives in pieces is hashed where it passes. */
import {
  createHmac,
  hash as hashAtOnce,
  type BinaryToTextEncoding,
  type KeyObject,
} from 'node:crypto'

type Algorithm = 'md5' | 'sha1' | 'sha256' | 'sha512'

/** Returns the digest in bytes. Text is hashed as UTF-8. */
export function hash(algorithm: Algorithm, data: string | Uint8Array): Buffer {
  // One call costs a third less than an object that is updated.
  return hashAtOnce(algorithm, data, 'buffer')
}

/** Returns the SHA-256 in lower-case hex. */
export function sha256Hex(data: string | Uint8Array, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  return hashAtOnce(
    'sha256',
    typeof data === 'string' && encoding === 'latin1' ? Buffer.from(data, encoding) : data,
    'hex',
  )
}

/** Returns the HMAC in bytes. Text is taken as UTF-8. */
export function hmac(
  algorithm: Algorithm,
  key: string | Uint8Array | KeyObject,
  data: string,
): Buffer {
  return createHmac(algorithm, key).update(data).digest()
}

/** Returns the HMAC as text, without a buffer between. Text is taken as UTF-8. */
export function hmacText(
  algorithm: Algorithm,
  key: string | Uint8Array | KeyObject,
  data: string,
  encoding: BinaryToTextEncoding,
): string {
  return createHmac(algorithm, key).update(data).digest(encoding)
}
