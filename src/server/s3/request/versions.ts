/** Version IDs in a store without versions, where an object's only version is `null`. */
import { noSuchVersion } from './errors.ts'
import type { S3Call } from './s3-operation.ts'

/** Requires that the query names no version other than `null`. @throws {AwsError} `NoSuchVersion`. */
export function requireNullVersion({ query }: Pick<S3Call, 'query'>): void {
  requireNullVersionId(query.get('versionId') ?? '')
}

/** Requires the version ID `null`. @param version Empty if none is given. @throws {AwsError} `NoSuchVersion`. */
export function requireNullVersionId(version: string): void {
  if (version === '' || version === 'null') return
  throw noSuchVersion()
}
