/** Digests and HMACs of data that is in memory. Data that arrives in pieces is hashed where it passes. */
import { createHash, createHmac, type KeyObject } from 'node:crypto'

type Algorithm = 'md5' | 'sha1' | 'sha256' | 'sha512'

/** Returns the digest in bytes. Text is hashed as UTF-8. */
export function hash(algorithm: Algorithm, data: string | Uint8Array): Buffer {
  return createHash(algorithm).update(data).digest()
}

/** Returns the SHA-256 in lower-case hex. */
export function sha256Hex(data: string | Uint8Array, encoding: 'utf8' | 'latin1' = 'utf8'): string {
  const running = createHash('sha256')
  return (typeof data === 'string' ? running.update(data, encoding) : running.update(data)).digest(
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
