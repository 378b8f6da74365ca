/** The lock of a new version: from the headers of its request, or the default of its bucket. And the headers that say it. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { invalidArgument } from './errors.ts'
import type { ObjectLock, Retention } from './object-lock.ts'
import {
  findBucketLock,
  findMode,
  parseIsoDate,
  requireFuture,
  toRetention,
} from './object-lock-document.ts'
import type { ObjectInfo } from './object-store.ts'
import { decide, type S3Call } from './s3-operation.ts'

type Headers = ReadonlyMap<string, string>

const modeHeader = 'x-amz-object-lock-mode'
const dateHeader = 'x-amz-object-lock-retain-until-date'
const holdHeader = 'x-amz-object-lock-legal-hold'
const bypassHeader = 'x-amz-bypass-governance-retention'

/** The headers that lock a new version. */
export const lockHeaders = [modeHeader, dateHeader, holdHeader] as const

/**
 * Reads the lock that a request names for the version that it makes; undefined if it names none.
 *
 * @throws {AwsError} `InvalidArgument` with AWS's sentences: a mode without a date, a time that has passed or is not of ISO 8601.
 */
export function readLockHeaders(headers: Headers, nowMs: number): ObjectLock | undefined {
  const hold = headers.get(holdHeader)
  const retention = readRetentionHeaders(headers, nowMs)
  if (hold === undefined) return retention && { retention }
  if (hold !== 'ON' && hold !== 'OFF')
    throw invalid(holdHeader, hold, "Legal Hold must be either of 'ON' or 'OFF'")
  return { retention, hasLegalHold: hold === 'ON' }
}

function readRetentionHeaders(headers: Headers, nowMs: number): Retention | undefined {
  const modeText = headers.get(modeHeader)
  const date = headers.get(dateHeader)
  if (modeText === undefined && date === undefined) return undefined
  if (modeText === undefined || date === undefined)
    throw new AwsError(
      'InvalidArgument',
      'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied',
    )
  const mode = findMode(modeText)
  if (mode === undefined) throw invalid(modeHeader, modeText, 'Unknown wormMode directive.')
  const retainUntilMs = parseIsoDate(date)
  if (Number.isNaN(retainUntilMs))
    throw invalid(dateHeader, date, 'The retain until date must be provided in ISO 8601 format')
  requireFuture(retainUntilMs, nowMs)
  return { mode, retainUntilMs }
}

/**
 * Returns the lock of a version that is made now: what was named for it, and else the bucket's default retention.
 *
 * @throws {AwsError} `InvalidRequest` for a lock in a bucket without object lock; `NoSuchBucket`.
 */
export async function chooseLock(
  { objects, bucket, request }: Pick<S3Call, 'objects' | 'bucket' | 'request'>,
  named: ObjectLock | undefined,
): Promise<ObjectLock | undefined> {
  const bucketLock = await findBucketLock(objects, bucket)
  if (bucketLock === undefined) {
    if (named === undefined) return undefined
    throw missingBucketLock()
  }
  const { defaultRetention } = bucketLock
  if (named?.retention !== undefined || defaultRetention === undefined) return named
  return { ...named, retention: toRetention(defaultRetention, request.receivedAtMs) }
}

/** @throws {AwsError} `InvalidRequest` if the bucket has no object lock; `NoSuchBucket`. */
export async function requireBucketLock({
  objects,
  bucket,
}: Pick<S3Call, 'objects' | 'bucket'>): Promise<void> {
  if ((await findBucketLock(objects, bucket)) === undefined) throw missingBucketLock()
}

/**
 * Returns whether the caller bypasses governance mode. The header needs its own permission, which was asked for before (`actionsOfHeaders`).
 *
 * @throws {AwsError} `InvalidArgument` for another value than `true` or `false`.
 */
export function readBypass(headers: Headers): boolean {
  const value = headers.get(bypassHeader)
  const lower = value?.toLowerCase() ?? 'false'
  if (lower === 'true' || lower === 'false') return lower === 'true'
  throw invalid(bypassHeader, value, `${bypassHeader} must be true or false`)
}

/** Returns the headers of a version's lock, each only to a caller who may read it (AWS, "HeadObject"). */
export async function describeLock(
  call: S3Call,
  { lock }: Pick<ObjectInfo, 'lock'>,
): Promise<Record<string, string>> {
  const { retention, hasLegalHold } = lock ?? {}
  const headers: Record<string, string> = {}
  if (retention !== undefined && (await may(call, 's3:GetObjectRetention'))) {
    headers[modeHeader] = retention.mode
    headers[dateHeader] = new Date(retention.retainUntilMs).toISOString()
  }
  if (hasLegalHold !== undefined && (await may(call, 's3:GetObjectLegalHold')))
    headers[holdHeader] = hasLegalHold ? 'ON' : 'OFF'
  return headers
}

async function may(call: S3Call, action: string): Promise<boolean> {
  return (await decide(call, action, { bucket: call.bucket, key: call.key })).isAllowed
}

function missingBucketLock(): AwsError {
  return new AwsError('InvalidRequest', 'Bucket is missing Object Lock Configuration')
}

function invalid(name: string, value: string | undefined, sentence: string): AwsError {
  return invalidArgument({ name, value }, sentence, sentence)
}
