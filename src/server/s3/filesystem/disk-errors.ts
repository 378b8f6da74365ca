/** Turns errors of the disk into S3 errors, so that the client learns that the storage failed and can retry. */
import { join, sep } from 'node:path'
import { errorCode } from '../../../base/error-code.ts'
import { describeFileError } from '../../../base/files/file-error.ts'
import type { Log } from '../../../base/log.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { indexFolder, privateFolder, stagingFolder } from './disk.ts'

const isFull = new Set(['ENOSPC', 'EDQUOT'])

/** Temporary: too much at once for the process or the machine. */
const isBusy = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EBUSY', 'ETIMEDOUT'])

/** Permanent until the operator acts: read-only, forbidden, broken, unmounted or on another file system. */
const isDown = new Set([
  'EROFS',
  'EACCES',
  'EPERM',
  'EIO',
  'ENODEV',
  'ENXIO',
  'ESTALE',
  'EUCLEAN',
  'EXDEV',
  'EFBIG',
  'EMLINK',
  'ENOTCONN',
  'EHOSTDOWN',
])

/**
 * Runs work on the disk. If the disk fails, logs which part of the store failed and how, but never an object's name.
 *
 * @throws {AwsError} `XMinioStorageFull` (507), `SlowDown` (503) or `XMinioBackendDown` (503), as MinIO for a full, an
 *   overloaded and an unreachable storage. Other errors are rethrown unchanged.
 */
export async function withStorageErrors<T>(
  work: () => Promise<T>,
  { root, log }: { root: string; log: Log },
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const code = errorCode(error)
    if (code === undefined) throw error
    const refusal = toStorageError(error, code)
    if (refusal === undefined) throw error
    log.error(
      { code, call: readText(error, 'syscall'), at: findRole(root, error) },
      'the storage failed',
    )
    throw refusal
  }
}

function toStorageError(cause: unknown, code: string): AwsError | undefined {
  if (isFull.has(code)) {
    const message = 'the storage is full: remove objects or enlarge the disk'
    return new AwsError('XMinioStorageFull', message, { status: 507, cause })
  }
  if (isBusy.has(code)) {
    const message = `the storage has too much to do (${code}): try again`
    return new AwsError('SlowDown', message, { headers: { 'retry-after': '1' }, cause })
  }
  if (!isDown.has(code)) return undefined
  const message = `the storage does not work${describeFileError(cause)}`
  return new AwsError('XMinioBackendDown', message, { status: 503, cause })
}

/** Returns the part of the store that failed. A call on an open file does not name its path. */
function findRole(root: string, error: unknown): string {
  const path = readText(error, 'dest') ?? readText(error, 'path')
  if (path === undefined) return 'an open file'
  if (path === indexFolder(root)) return 'the index of objects'
  if (path.startsWith(stagingFolder(root))) return 'a file that is being written'
  if (path.startsWith(join(root, privateFolder, 'versions') + sep)) return 'the file of a version'
  if (path.startsWith(join(root, privateFolder, 'uploads') + sep)) return 'an upload in parts'
  return 'the file of an object'
}

function readText(error: unknown, name: 'dest' | 'path' | 'syscall'): string | undefined {
  const value: unknown = error instanceof Error ? Reflect.get(error, name) : undefined
  return typeof value === 'string' ? value : undefined
}
