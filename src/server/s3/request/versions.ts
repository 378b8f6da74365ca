/** Version IDs in requests, and the headers that name versions in answers. */
import { invalidArgument } from './errors.ts'
import type { DeleteResult, ObjectInfo } from './object-store.ts'
import type { S3Call } from './s3-operation.ts'

/** Returns the version ID of the query; undefined for the newest version. @throws {AwsError} As `checkVersionId`. */
export function readVersionId({ query }: Pick<S3Call, 'query'>): string | undefined {
  const version = query.get('versionId')
  return version === undefined ? undefined : checkVersionId(version)
}

/**
 * Returns the version ID. The form of one says whether there can be such a version: AWS's has 32 characters, MinIO's is a UUID, versitygw's a ULID,
 * others have up to 1,024.
 *
 * @throws {AwsError} `InvalidArgument` for a text that no S3 gives as a version ID.
 */
export function checkVersionId(version: string, name = 'versionId'): string {
  if (version === 'null' || /^(?:[\w.-]{32,1024}|[0-9A-HJKMNP-TV-Z]{26})$/.test(version))
    return version
  const argument = { name, value: version }
  if (version === '') throw invalidArgument(argument, 'Version id cannot be the empty string')
  const reason = 'a version ID has 32 characters, or is a UUID, a ULID, or null'
  throw invalidArgument(argument, reason, 'Invalid version id specified')
}

/** Returns the header that names the version of an object; none in a bucket without versioning. */
export function describeVersion({
  versionId,
}: Pick<ObjectInfo, 'versionId'>): Record<string, string> {
  return versionId === undefined ? {} : { 'x-amz-version-id': versionId }
}

/**
 * Returns the header that names the version that a write has made. With suspended versioning S3 names none, though reads of that version say `null` (AWS,
 * "PutObject", `x-amz-version-id`; ceph/s3-tests and versitygw hold S3 to it).
 */
export function describeNewVersion({
  versionId,
}: Pick<ObjectInfo, 'versionId'>): Record<string, string> {
  return versionId === 'null' ? {} : describeVersion({ versionId })
}

/** Returns the headers that say what was deleted (AWS, "DeleteObject"). */
export function describeDeletion({
  versionId,
  isDeleteMarker,
}: DeleteResult): Record<string, string> {
  return {
    ...(isDeleteMarker === true ? { 'x-amz-delete-marker': 'true' } : {}),
    ...describeVersion({ versionId }),
  }
}
