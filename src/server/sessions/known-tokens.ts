/**
 * Keeps the claims of session tokens whose signature was found valid: an SDK sends one token with each request until it expires, and checking and
 * parsing it is a third of what a small read costs without the disk.
 */
import type { JsonObject } from '../../base/parse.ts'
import { hash } from '../../protocol/digest.ts'

/** Beyond this many tokens the one that was kept first is dropped. A token has at most 8 KiB. */
const maxKept = 1024

/**
 * Returns a reader that asks `verify` once for each valid token among those kept. What depends on the time or on revocations is not kept: the
 * claims say when the session expires, and the caller checks that each time.
 *
 * @param verify Returns the claims of a valid token. Invalid ones are not kept, so that nobody can fill the memory with them.
 */
export function keepValidTokens(
  verify: (token: string) => JsonObject | undefined,
): (token: string) => JsonObject | undefined {
  const kept = new Map<string, JsonObject>()
  return (token) => {
    // Not the token itself: comparing texts could tell by its time how much of a guess is right, and a digest is shorter.
    const key = hash('sha256', token).toString('latin1')
    const known = kept.get(key)
    if (known !== undefined) return known
    const claims = verify(token)
    if (claims === undefined) return undefined
    const [oldest] = kept.size >= maxKept ? kept.keys() : []
    if (oldest !== undefined) kept.delete(oldest)
    kept.set(key, Object.freeze(claims))
    return claims
  }
}
