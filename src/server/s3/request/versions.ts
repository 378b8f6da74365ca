/** Versions of objects, where there are none: S3 calls the only one `null`. */
import { noSuchVersion } from './errors.ts'
import type { S3Call } from './s3-operation.ts'

/** There is one version of each object, which S3 calls `null`. @throws {AwsError} `NoSuchVersion`. */
export function requireNullVersion({ query }: Pick<S3Call, 'query'>): void {
  requireNullVersionId(query.get('versionId') ?? '')
}

/** @param version Empty where none is named. @throws {AwsError} `NoSuchVersion`. */
export function requireNullVersionId(version: string): void {
  if (version === '' || version === 'null') return
  throw noSuchVersion()
}
