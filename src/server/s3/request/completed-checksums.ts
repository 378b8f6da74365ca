/**
 * The checksums that a CompleteMultipartUpload declares, of its parts and of the object, compared with what was stored.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childText, type XmlNode } from '../../../protocol/xml.ts'
import {
  checksumAlgorithms,
  checksumHeader,
  defaultAlgorithm,
  isChecksumText,
  readChecksumType,
  requireSameAlgorithm,
} from '../body/checksum.ts'
import {
  invalidChecksumHeader,
  otherChecksumType,
  partChecksumMissing,
  partChecksumOfOther,
  severalChecksums,
  wrongChecksum,
} from '../body/checksum-errors.ts'
import type { Checksum, ContentFacts } from '../body/object-content.ts'
import type { PartInfo, UploadInfo } from './object-store.ts'

type Headers = ReadonlyMap<string, string>

/** A part as the client lists it. */
export interface ListedPart {
  readonly partNumber: number
  readonly etag: string
  readonly checksum: Pick<Checksum, 'algorithm' | 'value'> | undefined
}

/** Returns the checksum of a listed part. @throws {AwsError} `InvalidArgument` for several, or one that is not base64 of a digest. */
export function readListedChecksum(node: XmlNode): ListedPart['checksum'] {
  const listed = checksumAlgorithms.flatMap((algorithm) => {
    const value = childText(node, `Checksum${algorithm}`)?.trim() ?? ''
    return value === '' ? [] : { algorithm, value }
  })
  const [only, ...more] = listed
  if (only === undefined) return undefined
  if (more.length === 0 && isChecksumText(only.algorithm, only.value)) return only
  const sentence = 'Invalid Base64 or multiple checksums present in request'
  throw new AwsError('InvalidArgument', sentence, { sentence })
}

/** Returns whether the listed checksum is that of the stored part. One of another algorithm than the upload's is not compared here. */
export function isSameChecksum({ checksum: listed }: ListedPart, { checksum }: PartInfo): boolean {
  if (listed === undefined || listed.algorithm !== checksum?.algorithm) return true
  return listed.value === checksum.value
}

/**
 * Requires that each part of a composite is listed with its checksum, and that no part is listed with one of another algorithm than the
 * upload's. In an upload that named no algorithm, only the default checksum, which S3 itself returned for the part, can be listed.
 *
 * @throws {AwsError} `InvalidRequest` for a missing one; `BadDigest` and `InvalidPart` for one of another algorithm.
 */
export function requirePartChecksums(
  listed: readonly ListedPart[],
  { checksum: created }: UploadInfo,
): void {
  for (const { partNumber, etag, checksum } of listed) {
    const isNeeded = created?.type === 'COMPOSITE'
    if (checksum === undefined && isNeeded) throw partChecksumMissing(created.algorithm, partNumber)
    if (checksum === undefined || checksum.algorithm === (created?.algorithm ?? defaultAlgorithm))
      continue
    if (created !== undefined) throw partChecksumOfOther(checksum.algorithm, partNumber)
    const message = `part ${partNumber} has no ${checksum.algorithm}: the upload was begun without it`
    const details = { PartNumber: String(partNumber), ETag: etag }
    throw new AwsError('InvalidPart', message, { details })
  }
}

/** @throws {AwsError} `InvalidRequest` if `x-amz-mp-object-size` is another size than that of all parts. */
export function checkDeclaredSize(headers: Headers, parts: readonly PartInfo[]): void {
  const declared = headers.get('x-amz-mp-object-size')
  const bytes = parts.reduce((sum, part) => sum + part.size, 0)
  if (declared === undefined || declared === String(bytes)) return
  if (!/^\d{1,16}$/.test(declared)) throw invalidChecksumHeader('x-amz-mp-object-size')
  const sentence = `The provided 'x-amz-mp-object-size' header value ${declared.slice(0, 40)} does not match what was computed: ${bytes}`
  throw new AwsError('InvalidRequest', sentence, { sentence })
}

/**
 * Returns the checksum that the headers declare of the object; undefined for none.
 *
 * AWS ignores it if the upload named no algorithm. Here it is compared with the default one all the same: a checksum that is accepted and not
 * compared would say that the bytes are right.
 *
 * @throws {AwsError} `InvalidRequest` if it cannot be one, or is of another type or algorithm than the upload's.
 */
export function readDeclaredChecksum(
  headers: Headers,
  { checksum }: UploadInfo,
): Pick<Checksum, 'algorithm' | 'value'> | undefined {
  const { algorithm, type } = checksum ?? { algorithm: defaultAlgorithm, type: 'FULL_OBJECT' }
  const declaredType = readChecksumType(headers)
  if (declaredType !== undefined && declaredType !== type) throw otherChecksumType(type)
  const [given, ...more] = checksumAlgorithms.filter((name) => headers.has(checksumHeader(name)))
  if (given === undefined) return undefined
  if (more.length > 0) throw severalChecksums()
  const value = headers.get(checksumHeader(given)) ?? ''
  const whole = type === 'COMPOSITE' ? value.replace(/-\d{1,5}$/, '') : value
  if (!isChecksumText(given, whole)) throw invalidChecksumHeader(checksumHeader(given))
  requireSameAlgorithm(algorithm, given)
  return { algorithm: given, value }
}

/** minio-go declares a composite without the `-N` of the answer. @throws {AwsError} `BadDigest`. */
export function checkDeclaredChecksum(
  declared: Pick<Checksum, 'algorithm' | 'value'> | undefined,
  { checksum, partSizes = [] }: ContentFacts,
): void {
  if (declared === undefined || declared.value === checksum?.value) return
  if (checksum?.type === 'COMPOSITE' && `${declared.value}-${partSizes.length}` === checksum.value)
    return
  throw wrongChecksum(declared.algorithm)
}
