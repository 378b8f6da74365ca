/** Reads and replaces the retention and the legal hold of a version: /bucket/key?retention and ?legal-hold. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { requireDigest } from '../body/declarations.ts'
import { readPayload } from '../body/payload.ts'
import { noSuchKey } from '../request/errors.ts'
import { readBypass, requireBucketLock } from '../request/lock-headers.ts'
import {
  isInForce,
  lockedError,
  type ObjectLock,
  type Removal,
  type Retention,
} from '../request/object-lock.ts'
import { readLegalHold, readRetention } from '../request/object-lock-document.ts'
import {
  authorize,
  authorizeSomeKey,
  openBody,
  type S3Call,
  type S3Operation,
} from '../request/s3-operation.ts'
import { elements, xmlDate, xmlReply } from '../request/s3-xml.ts'
import { readVersionId } from '../request/versions.ts'
import { configurationLimits } from '../request/xml-limits.ts'

/** GET /bucket/key?retention */
export const getObjectRetention: S3Operation = {
  name: 'GetObjectRetention',
  action: 's3:GetObjectRetention',
  async run(call) {
    const { retention } = await readLock(call)
    if (retention === undefined) throw noLock()
    const { mode, retainUntilMs } = retention
    return xmlReply('Retention', elements({ Mode: mode, RetainUntilDate: xmlDate(retainUntilMs) }))
  },
}

/** GET /bucket/key?legal-hold */
export const getObjectLegalHold: S3Operation = {
  name: 'GetObjectLegalHold',
  action: 's3:GetObjectLegalHold',
  async run(call) {
    const { hasLegalHold } = await readLock(call)
    if (hasLegalHold === undefined) throw noLock()
    return xmlReply('LegalHold', elements({ Status: hasLegalHold ? 'ON' : 'OFF' }))
  },
}

/**
 * PUT /bucket/key?retention. It authorizes itself, because policies may depend on the retention in the body (`s3:object-lock-mode` and the
 * others); the body of a caller who could not be allowed whatever it says is not read.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html
 */
export const putObjectRetention: S3Operation = {
  name: 'PutObjectRetention',
  action: undefined,
  async run(call) {
    const action = 's3:PutObjectRetention'
    const nowMs = call.request.receivedAtMs
    const mayBypassGovernance = readBypass(call.request.headers)
    const retention = readRetention(await readDocument(call, action), nowMs)
    await authorize({ ...call, requestLock: retention ?? {} }, action)
    await replaceLock(call, (current) => {
      requireChangeable(current.retention, retention, { nowMs, mayBypassGovernance })
      return { ...current, retention }
    })
    return { status: 200 }
  },
}

/** PUT /bucket/key?legal-hold. It authorizes itself, as PutObjectRetention does. */
export const putObjectLegalHold: S3Operation = {
  name: 'PutObjectLegalHold',
  action: undefined,
  async run(call) {
    const action = 's3:PutObjectLegalHold'
    const hasLegalHold = readLegalHold(await readDocument(call, action))
    await authorize({ ...call, requestLock: { hasLegalHold } }, action)
    await replaceLock(call, (current) => ({ ...current, hasLegalHold }))
    return { status: 200 }
  },
}

/**
 * Refuses to weaken a retention that has not ended: a longer one of the same mode is always allowed, any other needs the bypass, and in
 * compliance mode nobody has it (AWS, "Retention modes").
 *
 * @throws {AwsError} `AccessDenied` with AWS's sentence.
 */
export function requireChangeable(
  current: Retention | undefined,
  wanted: Retention | undefined,
  { nowMs, mayBypassGovernance }: Removal,
): void {
  if (current === undefined || !isInForce(current, nowMs)) return
  const isKept = wanted?.mode === current.mode && wanted.retainUntilMs >= current.retainUntilMs
  if (isKept || (current.mode === 'GOVERNANCE' && mayBypassGovernance)) return
  const until = new Date(current.retainUntilMs).toISOString()
  throw lockedError(`its retention in ${current.mode} mode until ${until} cannot be weakened`)
}

/** Returns the body, once it is clear that the caller could be allowed the action. @throws {AwsError} `AccessDenied`, `InvalidRequest`. */
async function readDocument(call: S3Call, action: string): Promise<string> {
  await authorizeSomeKey(call, [action])
  const payload = openBody(call, { maxBytes: configurationLimits.maxBytes })
  requireDigest(
    payload.declarations,
    'Missing required header for this request: Content-MD5 OR x-amz-checksum-*',
  )
  return (await readPayload(payload)).toString()
}

/** @throws {AwsError} `InvalidRequest` in a bucket without object lock, `NoSuchKey`, and what the change throws. */
async function replaceLock(
  call: S3Call,
  change: (current: ObjectLock) => ObjectLock,
): Promise<void> {
  await requireBucketLock(call)
  const { objects, bucket, key } = call
  const isThere = await objects.replaceLock(bucket, key, readVersionId(call), change)
  if (!isThere) throw noSuchKey(key)
}

/** @throws {AwsError} `InvalidRequest` in a bucket without object lock, `NoSuchKey`. */
async function readLock(call: S3Call): Promise<ObjectLock> {
  await requireBucketLock(call)
  const info = await call.objects.statObject(call.bucket, call.key, readVersionId(call))
  if (!info) throw noSuchKey(call.key)
  return info.lock ?? {}
}

function noLock(): AwsError {
  return new AwsError(
    'NoSuchObjectLockConfiguration',
    'The specified object does not have a ObjectLock configuration',
    { status: 404 },
  )
}
