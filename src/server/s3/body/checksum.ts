/** The five checksums of S3 (AWS, "Checking object integrity"), computed while the bytes are streamed. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { AwsError } from '../../../protocol/aws-error.ts'
import { updateCrc32c, updateCrc64Nvme } from './crc-tables.ts'

export type ChecksumAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA1' | 'SHA256'

interface RunningChecksum {
  update(data: Uint8Array): void
  digest(): Buffer
}

const factories: Readonly<Record<ChecksumAlgorithm, () => RunningChecksum>> = {
  CRC32: () => runCrc32((previous, data) => crc32(data, previous)),
  CRC32C: () => runCrc32(updateCrc32c),
  CRC64NVME: runCrc64,
  SHA1: () => runHash('sha1'),
  SHA256: () => runHash('sha256'),
}

/** All algorithms, in the order of S3's documentation. */
export const checksumAlgorithms = Object.keys(factories) as readonly ChecksumAlgorithm[]

/** Length of a digest in bytes. A declared value of another length is refused before the body is read. */
const digestBytes: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  SHA1: 20,
  SHA256: 32,
}

/** Starts a checksum. CRCs are big-endian, as in S3. */
export function startChecksum(algorithm: ChecksumAlgorithm): RunningChecksum {
  return factories[algorithm]()
}

/** Returns the name of an algorithm's header, such as `x-amz-checksum-crc32`, which is used in requests, trailers and answers. */
export function checksumHeader(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`
}

/** Returns the algorithm of a header or trailer with this (lower-case) name; undefined for any other name. */
export function algorithmOfHeader(name: string): ChecksumAlgorithm | undefined {
  return checksumAlgorithms.find((algorithm) => checksumHeader(algorithm) === name)
}

/** Returns the algorithm of a name in any case; undefined for an unknown name. */
export function readAlgorithm(text: string): ChecksumAlgorithm | undefined {
  return checksumAlgorithms.find((algorithm) => algorithm === text.toUpperCase())
}

/** Returns what `x-amz-checksum-algorithm` names; undefined if the header is absent. @throws {AwsError} `InvalidRequest` for any other text. */
export function readChecksumAlgorithm(
  headers: ReadonlyMap<string, string>,
): ChecksumAlgorithm | undefined {
  const text = headers.get('x-amz-checksum-algorithm')
  if (text === undefined) return undefined
  const algorithm = readAlgorithm(text)
  if (algorithm) return algorithm
  const names = `${checksumAlgorithms.slice(0, -1).join(', ')} or ${checksumAlgorithms.at(-1) ?? ''}`
  throw new AwsError('InvalidRequest', `x-amz-checksum-algorithm must be ${names}`)
}

/** @throws {AwsError} `InvalidRequest` with AWS's message if both algorithms are given and differ. */
export function requireSameAlgorithm(
  expected: ChecksumAlgorithm | undefined,
  actual: ChecksumAlgorithm | undefined,
): void {
  if (expected === undefined || actual === undefined || expected === actual) return
  const [wanted, given] = [expected.toLowerCase(), actual.toLowerCase()]
  throw new AwsError(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${wanted}, actual checksum Type: ${given}`,
  )
}

/** Returns whether the text is the base64 of a digest of this algorithm. */
export function isChecksumText(algorithm: ChecksumAlgorithm, text: string): boolean {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length === digestBytes[algorithm] && bytes.toString('base64') === text
}

/** Returns the checksum of the parts' checksums, written `…-N` (type COMPOSITE). */
export function composeChecksum(algorithm: ChecksumAlgorithm, parts: readonly string[]): string {
  const running = startChecksum(algorithm)
  for (const part of parts) running.update(Buffer.from(part, 'base64'))
  return `${running.digest().toString('base64')}-${parts.length}`
}

function runCrc32(step: (previous: number, data: Uint8Array) => number): RunningChecksum {
  let value = 0
  return {
    update: (data) => {
      value = step(value, data)
    },
    digest: () => {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(value)
      return bytes
    },
  }
}

function runCrc64(): RunningChecksum {
  let value = { high: 0, low: 0 }
  return {
    update: (data) => {
      value = updateCrc64Nvme(value, data)
    },
    digest: () => {
      const bytes = Buffer.alloc(8)
      bytes.writeUInt32BE(value.high)
      bytes.writeUInt32BE(value.low, 4)
      return bytes
    },
  }
}

function runHash(name: 'sha1' | 'sha256'): RunningChecksum {
  const hash = createHash(name)
  return { update: (data) => void hash.update(data), digest: () => hash.digest() }
}
