/** Reads the Range header (RFC 9110 §14). */
import { AwsError } from '../../../protocol/aws-error.ts'
import type { ByteRange } from './object-store.ts'

/** Optional spaces are bounded, because the pattern would try every division of two adjacent runs. */
const rangeForm = /^bytes=\s{0,8}(\d{0,16})\s{0,8}-\s{0,8}(\d{0,16})\s{0,8}$/i

/**
 * @returns The requested bytes. Undefined for the whole object: no header, another unit, an invalid form or several ranges, for
 *   all of which a server may send the whole object (RFC 9110 §14.2).
 * @throws {AwsError} `InvalidRange` (416) if the object has none of the requested bytes.
 */
export function readRange(header: string | undefined, size: number): ByteRange | undefined {
  const match = rangeForm.exec(header ?? '')
  if (!match) return undefined
  const [, first = '', last = ''] = match
  if (first === '') {
    if (last === '') return undefined
    const suffix = Math.min(Number(last), size)
    if (suffix === 0) throw invalidRange(header ?? '', size)
    return { start: size - suffix, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return undefined
  if (start >= size) throw invalidRange(header ?? '', size)
  return { start, end }
}

function invalidRange(range: string, size: number): AwsError {
  return new AwsError('InvalidRange', `the object has ${size} bytes and none of those asked for`, {
    details: { RangeRequested: range, ActualObjectSize: String(size) },
  })
}
