import type { CorsRule } from '../http/cors-rules.ts'
import type { HttpRequest } from '../http/http-message.ts'
import { readAddress } from './request/address.ts'
import { isBucketName } from './request/names.ts'
import type { S3Backend } from './request/s3-operation.ts'

type FindRules = (request: HttpRequest) => Promise<readonly CorsRule[] | undefined>

/**
 * Returns a function that finds the CORS rules of the bucket that a request is about. The request need not be signed, so a bucket that does not
 * exist and one without rules look the same. A request whose address is refused later has no rules.
 */
export function createCorsLookup(
  { findCorsRules }: Pick<S3Backend, 'findCorsRules'>,
  domains: readonly string[],
): FindRules {
  if (findCorsRules === undefined) return async () => undefined
  return async (request) => {
    const bucket = readBucket(request, domains)
    if (bucket === undefined) return undefined
    // Where the rules cannot be read, no page may read anything. The store has logged why.
    return findCorsRules(bucket).catch(() => [])
  }
}

function readBucket(request: HttpRequest, domains: readonly string[]): string | undefined {
  try {
    const { bucket } = readAddress(request, domains)
    return isBucketName(bucket) ? bucket : undefined
  } catch {
    return undefined
  }
}
