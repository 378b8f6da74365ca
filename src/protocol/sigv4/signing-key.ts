import { timingSafeEqual } from 'node:crypto'
import { formatScope, hmacSha256, type CredentialScope } from './canonical-request.ts'

// A derived key serves a day, a region and a service: 20 µs a request saved (four HMACs) for a small map.
const maxCachedKeys = 4096
const cachedKeys = new Map<string, Buffer>()

/** The signing key of a secret for a scope (AWS, «Derive a signing key»); cached, oldest out first. */
export function deriveSigningKey(secretAccessKey: string, scope: CredentialScope): Buffer {
  const cacheKey = `${formatScope(scope)}\n${secretAccessKey}`
  const cached = cachedKeys.get(cacheKey)
  if (cached !== undefined) return cached
  const dateKey = hmacSha256(`AWS4${secretAccessKey}`, scope.date)
  const key = hmacSha256(
    hmacSha256(hmacSha256(dateKey, scope.region), scope.service),
    'aws4_request',
  )
  if (cachedKeys.size >= maxCachedKeys) {
    const oldest = cachedKeys.keys().next()
    if (!oldest.done) cachedKeys.delete(oldest.value)
  }
  cachedKeys.set(cacheKey, key)
  return key
}

/** Compares two texts in a time that does not depend on where they differ. */
export function equalInConstantTime(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  return left.length === right.length && timingSafeEqual(left, right)
}
