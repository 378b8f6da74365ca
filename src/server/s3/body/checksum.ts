/** The checksums of S3 (AWS, "Checking object integrity"), computed while the bytes are streamed. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  invalidChecksumHeader,
  otherAlgorithm,
  unsupportedAlgorithm,
  unknownChecksumHeader,
} from './checksum-errors.ts'
import { openCrc64Module, type Crc64Update } from './crc64-module.ts'
import { loadXxHash, startXxHash, type XxHash } from './xxhash.ts'
import { updateCrc32c, updateCrc64Nvme } from './crc-tables.ts'

export type ChecksumAlgorithm =
  | 'CRC32'
  | 'CRC32C'
  | 'CRC64NVME'
  | 'MD5'
  | 'SHA1'
  | 'SHA256'
  | 'SHA512'
  | XxHash

interface RunningChecksum {
  update(data: Uint8Array): void
  digest(): Buffer
}

const factories: Readonly<Record<ChecksumAlgorithm, () => RunningChecksum>> = {
  CRC32: () => runCrc32((previous, data) => crc32(data, previous)),
  CRC32C: () => runCrc32(updateCrc32c),
  CRC64NVME: runCrc64,
  MD5: () => runHash('md5'),
  SHA1: () => runHash('sha1'),
  SHA256: () => runHash('sha256'),
  SHA512: () => runHash('sha512'),
  XXHASH128: () => startXxHash('XXHASH128'),
  XXHASH3: () => startXxHash('XXHASH3'),
  XXHASH64: () => startXxHash('XXHASH64'),
}

/** All algorithms, in the order in which S3 lists them. */
export const checksumAlgorithms = Object.keys(factories) as readonly ChecksumAlgorithm[]

/** Length of a digest in bytes. A declared value of another length is refused before the body is read. */
const digestBytes: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 4,
  CRC32C: 4,
  CRC64NVME: 8,
  MD5: 16,
  SHA1: 20,
  SHA256: 32,
  SHA512: 64,
  XXHASH128: 16,
  XXHASH3: 8,
  XXHASH64: 8,
}

/** The checksum that S3 computes of an object for which the client asks for none (AWS, since December 2024). */
export const defaultAlgorithm = 'CRC64NVME'

export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE'

/**
 * Returns the types of checksum that an upload in parts can have, the default first (AWS, "Checking object integrity": CRCs can be combined to
 * that of the full object; CRC-64/NVME is nothing else; of digests there is only the digest of the parts' digests).
 */
export function typesOf(algorithm: ChecksumAlgorithm): readonly ChecksumType[] {
  if (algorithm === 'CRC64NVME') return ['FULL_OBJECT']
  return algorithm.startsWith('CRC') ? ['COMPOSITE', 'FULL_OBJECT'] : ['COMPOSITE']
}

/** Loads what an algorithm needs; undefined for none. To be awaited before a checksum of an algorithm that a request or a record names is started. */
export async function loadChecksum(algorithm: ChecksumAlgorithm | undefined): Promise<void> {
  if (algorithm === 'XXHASH64' || algorithm === 'XXHASH3' || algorithm === 'XXHASH128')
    await loadXxHash(algorithm)
}

/** The digests of no bytes of the hashes that are loaded only when they are named (xxHash, test vectors without a seed). */
const emptyXxHashes: Readonly<Partial<Record<ChecksumAlgorithm, string>>> = {
  XXHASH128: '99aa06d3014798d86001c324468d497f',
  XXHASH3: '2d06800538d394c2',
  XXHASH64: 'ef46db3751d8e999',
}

/** Returns the checksum of an empty body, in base64. */
export function emptyChecksum(algorithm: ChecksumAlgorithm): string {
  const known = emptyXxHashes[algorithm]
  const bytes = known === undefined ? startChecksum(algorithm).digest() : Buffer.from(known, 'hex')
  return bytes.toString('base64')
}

/** Starts a checksum. CRCs are big-endian, as in S3. @throws Error if the algorithm was not loaded. */
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

/** Refuses a header that is a checksum of an algorithm which S3 does not have. @throws {AwsError} `InvalidRequest`. */
export function requireKnownChecksum(name: string): void {
  const isChecksum = /^x-amz-checksum-(?!algorithm$|mode$|type$)/.test(name)
  if (isChecksum && algorithmOfHeader(name) === undefined) throw unknownChecksumHeader()
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
  throw unsupportedAlgorithm(checksumAlgorithms)
}

/** Returns what `x-amz-checksum-type` names; undefined if the header is absent. @throws {AwsError} `InvalidRequest` for any other text. */
export function readChecksumType(headers: ReadonlyMap<string, string>): ChecksumType | undefined {
  const text = headers.get('x-amz-checksum-type')?.toUpperCase()
  if (text === undefined || text === 'FULL_OBJECT' || text === 'COMPOSITE') return text
  throw invalidChecksumHeader('x-amz-checksum-type')
}

/** @throws {AwsError} `InvalidRequest` with AWS's message if both algorithms are given and differ. */
export function requireSameAlgorithm(
  expected: ChecksumAlgorithm | undefined,
  actual: ChecksumAlgorithm | undefined,
): void {
  if (expected === undefined || actual === undefined || expected === actual) return
  throw otherAlgorithm(expected, actual)
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
  const update = (crc64Update ??= openCrc64())
  return {
    update: (data) => {
      value = update(value, data)
    },
    digest: () => {
      const bytes = Buffer.alloc(8)
      bytes.writeUInt32BE(value.high)
      bytes.writeUInt32BE(value.low, 4)
      return bytes
    },
  }
}

let crc64Update: Crc64Update | undefined

/** Where the address space is limited (`ulimit -v`), there is no WebAssembly; then JavaScript takes four times as long. */
function openCrc64(): Crc64Update {
  try {
    return openCrc64Module()
  } catch {
    return updateCrc64Nvme
  }
}

function runHash(name: 'md5' | 'sha1' | 'sha256' | 'sha512'): RunningChecksum {
  const hash = createHash(name)
  return { update: (data) => void hash.update(data), digest: () => hash.digest() }
}
