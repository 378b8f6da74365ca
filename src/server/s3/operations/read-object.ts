/** GET and HEAD of an object. */
import type { Query } from '../../../protocol/query.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { Checksum } from '../body/object-content.ts'
import type { ByteSource, HttpReply } from '../../http/http-message.ts'
import { checkRead } from '../request/conditions.ts'
import type { CustomerKey } from '../body/encryption.ts'
import { openPlain } from '../request/encrypt-object.ts'
import {
  describeEncryption,
  readCustomerKey,
  requireCustomerKey,
  requireNoEncryptionHeader,
} from '../request/encryption-headers.ts'
import { noSuchKey } from '../request/errors.ts'
import { describeExpiration } from '../request/expiry-headers.ts'
import { toWholeSecondsMs } from '../request/http-date.ts'
import { describeLock } from '../request/lock-headers.ts'
import { responseOverrides } from '../request/match-route.ts'
import { describeChecksum, describeObject } from '../request/object-headers.ts'
import type { ByteRange, ObjectInfo, OpenObject } from '../request/object-store.ts'
import { readRange } from '../request/range.ts'
import type { S3Call, S3Operation } from '../request/s3-operation.ts'
import { readPartNumber } from '../request/upload-parameters.ts'
import { readVersionId } from '../request/versions.ts'

/** Objects up to this size are read into memory, which is cheaper than a stream. */
const maxReadAtOnceBytes = 256 * 1024

interface ReadPlan {
  readonly status: 200 | 206 | 304
  /** Of this answer alone. */
  readonly headers: Record<string, string>
  readonly range: ByteRange | undefined
  readonly lengthBytes: number
}

/** GET /bucket/key */
export const getObject: S3Operation = {
  name: 'GetObject',
  action: 's3:GetObject',
  async run(call) {
    const stored = await call.objects.openObject(call.bucket, call.key, readVersionId(call))
    if (!stored) throw noSuchKey(call.key)
    let isHandedOn = false
    try {
      const customerKey = requireKey(call, stored.info)
      const object = openPlain(stored, call, customerKey)
      const { status, range, lengthBytes, headers } = planRead(call, object.info, customerKey)
      if (status === 304) return { status, headers }
      await addRules(headers, call, object.info)
      if (lengthBytes === 0) return { status, headers, body: '' }
      isHandedOn = true
      if (lengthBytes > maxReadAtOnceBytes)
        return { status, headers, body: toSource(object, range, lengthBytes) }
      return { status, headers, body: await object.readAll(range) }
    } finally {
      if (!isHandedOn) await stored.close()
    }
  },
}

function toSource(
  object: OpenObject,
  range: ByteRange | undefined,
  lengthBytes: number,
): ByteSource {
  const start = range?.start ?? 0
  return {
    lengthBytes,
    readInto: (buffer, offset) => object.readInto(buffer, start + offset),
    close: () => object.close(),
  }
}

/** HEAD /bucket/key */
export const headObject: S3Operation = {
  name: 'HeadObject',
  action: 's3:GetObject',
  async run(call): Promise<HttpReply> {
    const info = await call.objects.statObject(call.bucket, call.key, readVersionId(call))
    if (!info) throw noSuchKey(call.key)
    const { status, headers } = planRead(call, info, requireKey(call, info))
    if (status !== 304) await addRules(headers, call, info)
    return { status, headers }
  },
}

/** Adds the headers of the version's lock, and of the rule that will expire the current version. */
async function addRules(
  headers: Record<string, string>,
  call: S3Call,
  info: ObjectInfo,
): Promise<void> {
  if (info.lock) Object.assign(headers, await describeLock(call, info))
  if (!call.query.has('versionId')) Object.assign(headers, describeExpiration(call, info))
}

/** Returns the key that reading the object needs; undefined for none. @throws {AwsError} as `requireCustomerKey`. */
function requireKey({ request }: S3Call, { metadata }: ObjectInfo): CustomerKey | undefined {
  requireNoEncryptionHeader(request.headers)
  return requireCustomerKey(metadata.encryption, readCustomerKey(request))
}

function planRead(call: S3Call, info: ObjectInfo, customerKey: CustomerKey | undefined): ReadPlan {
  const { request, query } = call
  const headers = describeObject(info)
  if (checkRead(request.headers, info) === 'not-modified') {
    const { etag = '', 'last-modified': lastModified = '' } = headers
    const shown = { etag, 'last-modified': lastModified }
    return { status: 304, headers: shown, range: undefined, lengthBytes: 0 }
  }
  if (query.has('partNumber') && request.headers.has('range')) {
    const message = 'Cannot specify both Range header and partNumber query parameter'
    throw new AwsError('InvalidRequest', message)
  }
  const part = findPart(query.get('partNumber'), info)
  const range =
    part?.range ??
    (isRangeWanted(call, info) ? readRange(request.headers.get('range'), info.size) : undefined)
  const isPartial = range !== undefined || part !== undefined
  const lengthBytes = range ? range.end - range.start + 1 : part ? 0 : info.size
  const wantsChecksum = request.headers.get('x-amz-checksum-mode')?.toUpperCase() === 'ENABLED'
  const { encryption } = info.metadata
  if (encryption) Object.assign(headers, describeEncryption(encryption, customerKey))
  if (part) Object.assign(headers, part.headers)
  const checksum = wantsChecksum ? findChecksum(info, { range, part }) : undefined
  if (checksum) Object.assign(headers, describeChecksum({ checksum }))
  if (query.pairs.length > 0) Object.assign(headers, readOverrides(query))
  if (range) headers['content-range'] = `bytes ${range.start}-${range.end}/${info.size}`
  headers['content-length'] = String(lengthBytes)
  return { status: isPartial ? 206 : 200, range, lengthBytes, headers }
}

/**
 * Returns the checksum of what is sent: the object's, or a part's if the object has the checksums of its parts. That of any other range is
 * unknown, and a client would compare the range with the object's checksum.
 */
function findChecksum(
  { checksum, partChecksums, size }: ObjectInfo,
  { range, part }: { readonly range: ByteRange | undefined; readonly part: Part | undefined },
): Checksum | undefined {
  if (part === undefined) return range === undefined ? checksum : undefined
  const value = partChecksums?.[part.number - 1]
  if (checksum && value !== undefined) return { ...checksum, value }
  const isWhole = range === undefined ? size === 0 : range.start === 0 && range.end === size - 1
  return isWhole && checksum?.type === 'FULL_OBJECT' ? checksum : undefined
}

/** Returns whether If-Range allows a partial answer: the object has not changed since the client read it (RFC 9110 §13.1.5). */
function isRangeWanted({ request }: S3Call, info: ObjectInfo): boolean {
  const condition = request.headers.get('if-range')
  if (condition === undefined) return true
  if (condition.startsWith('"')) return condition === `"${info.etag}"`
  return Date.parse(condition) === toWholeSecondsMs(info.lastModifiedMs)
}

/** A part of an object. */
interface Part {
  readonly number: number
  /** Undefined if it is empty. */
  readonly range: ByteRange | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** Returns the range of `partNumber`: the bytes that were uploaded as that part. An object that was not uploaded in parts is its own part 1. */
function findPart(text: string | undefined, { size, partSizes }: ObjectInfo): Part | undefined {
  if (text === undefined) return undefined
  const number = readPartNumber(text)
  const sizes = partSizes ?? [size]
  const length = sizes[number - 1]
  if (length === undefined) {
    const details = { ActualPartCount: String(sizes.length), PartNumberRequested: text }
    const message = `the object has ${sizes.length} parts`
    throw new AwsError('InvalidPartNumber', message, { status: 416, details })
  }
  const start = sizes.slice(0, number - 1).reduce((sum, bytes) => sum + bytes, 0)
  const range = length === 0 ? undefined : { start, end: start + length - 1 }
  return {
    number,
    range,
    headers: partSizes ? { 'x-amz-mp-parts-count': String(sizes.length) } : {},
  }
}

/** Returns the headers that query parameters replace (AWS, GetObject, "Overriding response header values"). @throws {AwsError} `InvalidArgument`. */
function readOverrides(query: Query): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const parameter of responseOverrides) {
    const value = query.get(parameter)
    if (value === undefined) continue
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new AwsError('InvalidArgument', `${parameter} has characters that no header can hold`)
    }
    headers[parameter.slice('response-'.length)] = value
  }
  return headers
}
