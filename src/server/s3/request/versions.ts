/** Version IDs in a store without versions, where an object's only version is `null`. */
import { invalidArgument, noSuchVersion } from './errors.ts'
import type { S3Call } from './s3-operation.ts'

/** Requires that the query names no version other than `null`. @throws {AwsError} as `requireNullVersionId`. */
export function requireNullVersion({ query }: Pick<S3Call, 'query'>): void {
  requireNullVersionId(query.get('versionId') ?? '')
}

/**
 * Requires the version ID `null`.
 *
 * @param version Empty if none is given.
 * @throws {AwsError} `NoSuchVersion`; `InvalidArgument` for a text that no S3 gives as a version.
 */
export function requireNullVersionId(version: string): void {
  if (version === '' || version === 'null') return
  if (isVersionId(version)) throw noSuchVersion()
  const reason = 'a version ID has 32 characters, or is a UUID; here it is null'
  throw invalidArgument(
    { name: 'versionId', value: version },
    reason,
    'Invalid version id specified',
  )
}

/** Returns whether a text has the form of a version ID: AWS's has 32 characters, MinIO's is a UUID, others have up to 1,024. */
function isVersionId(text: string): boolean {
  return /^[\w.-]{32,1024}$/.test(text)
}
