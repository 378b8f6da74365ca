import type { PolicyDocument } from './policy-document.ts'
import { parseSessionPolicy } from './session-policy.ts'

/** How many session policies stay parsed: a session asks again and again. */
const maxCached = 64

/**
 * Returns a function that reads session policies, each once as long as it is among those that were asked for last. It returns undefined for one that cannot
 * be read.
 */
export function createSessionPolicyReader(): (text: string) => PolicyDocument | undefined {
  const cached = new Map<string, PolicyDocument | undefined>()
  return (text) => {
    const document = cached.has(text) ? cached.get(text) : readOrNone(text)
    // The last one of a map is the newest.
    cached.delete(text)
    cached.set(text, document)
    const [oldest] = cached.size > maxCached ? cached.keys() : []
    if (oldest !== undefined) cached.delete(oldest)
    return document
  }
}

function readOrNone(text: string): PolicyDocument | undefined {
  try {
    return parseSessionPolicy(text)
  } catch {
    return undefined
  }
}
