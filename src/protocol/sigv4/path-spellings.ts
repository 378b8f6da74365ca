/** The spellings of a path that a signature may cover. */
import { encodeRfc3986 } from './canonical-request.ts'

/**
 * Returns the texts that a client may have signed for a path: the path as sent, then decoded and encoded anew. An SDK signs one spelling, and
 * its HTTP library or a proxy sends another: `@` for `%40`, `%7E` for `~`, `%c3` for `%C3`. AWS and MinIO compare with the second.
 *
 * Each is an address of the same bucket and key, so that a signature covers one object. The first segment of a path with the bucket in it ends
 * at the first slash as sent: in `/a%2Fb` it is not `a`.
 *
 * @param isBucketInHost True if the whole path is a key.
 */
export function listPathSpellings(rawPath: string, isBucketInHost: boolean): string[] {
  if (!rawPath.startsWith('/') || /^[\w\-.~/]*$/.test(rawPath)) return [rawPath]
  const keyAt = isBucketInHost ? 0 : rawPath.indexOf('/', 1)
  try {
    const [bucketPart, keyPart] =
      keyAt === -1 ? [rawPath, ''] : [rawPath.slice(0, keyAt), rawPath.slice(keyAt)]
    const bucket = encodeRfc3986(decodeURIComponent(bucketPart.slice(1)))
    const key = decodeURIComponent(keyPart).split('/').map(encodeRfc3986).join('/')
    const canonical = `${bucketPart === '' ? '' : `/${bucket}`}${key}`
    return canonical === rawPath ? [rawPath] : [rawPath, canonical]
  } catch {
    // A path that is not percent-encoded UTF-8 has only one spelling; it is refused as an address.
    return [rawPath]
  }
}
