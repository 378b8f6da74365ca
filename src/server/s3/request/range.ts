/** Which bytes a Range header asks for (RFC 9110 §14). */
import { AwsError } from '../../../protocol/aws-error.ts'
import type { ByteRange } from './object-store.ts'

/** Spaces where nobody needs them are bounded: two runs side by side would be tried in every division. */
const rangeForm = /^bytes=\s{0,8}(\d{0,16})\s{0,8}-\s{0,8}(\d{0,16})\s{0,8}$/i

/**
 * @returns The bytes asked for; undefined for all of them: no header, another unit, a form we cannot read or several ranges,
 *   all of which a server may answer whole (RFC 9110 §14.2).
 * @throws {AwsError} `InvalidRange` (416) when the object has none of the bytes asked for.
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
