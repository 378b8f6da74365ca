import { createTurns } from '../../../base/turns.ts'
import { decide, type S3Request } from './s3-operation.ts'

/** Number of buckets authorized before other requests get a turn. */
const bucketsPerTurn = 16

/** Returns the buckets whose objects the caller may list, in the given order. @param nameOf Returns the name of a bucket. */
export async function selectListable<Bucket>(
  call: S3Request,
  buckets: readonly Bucket[],
  nameOf: (bucket: Bucket) => string,
): Promise<readonly Bucket[]> {
  const listable: Bucket[] = []
  const takeTurn = createTurns(bucketsPerTurn)
  for (const bucket of buckets) {
    await takeTurn()
    const at = { bucket: nameOf(bucket), key: '' }
    if ((await decide(call, 's3:ListBucket', at)).isAllowed) listable.push(bucket)
  }
  return listable
}
