/** GET /: lists the buckets that the caller may see. */
import type { Query } from '../../../protocol/query.ts'
import { serviceAddress } from '../request/address.ts'
import { invalidArgument } from '../request/errors.ts'
import { toLocation, toRegion } from '../request/bucket-location.ts'
import { readToken, writeToken } from '../request/list-page.ts'
import type { BucketInfo } from '../request/object-store.ts'
import { describeOwner } from '../request/owner.ts'
import { decide, denial, type S3Operation } from '../request/s3-operation.ts'
import { elements, join, xmlDate, xmlReply } from '../request/s3-xml.ts'
import { selectListable } from '../request/select-listable.ts'

/** Maximum number of buckets in a page. A request without paging gets all buckets. */
const maxBuckets = 10_000

/**
 * GET /. As in MinIO, a caller who may not list all buckets sees those whose objects it may list, because clients begin with this
 * request.
 */
export const listBuckets: S3Operation = {
  name: 'ListBuckets',
  action: undefined,
  async run(call) {
    const { query, principal } = call
    const page = readPage(query)
    const all = await decide(call, 's3:ListAllMyBuckets', serviceAddress)
    const buckets = await call.objects.listBuckets()
    const visible = all.isAllowed
      ? buckets
      : await selectListable(call, buckets, ({ name }) => name)
    if (!all.isAllowed && visible.length === 0) {
      throw denial('s3:ListAllMyBuckets', serviceAddress, all)
    }
    const regionOf = ({ location }: BucketInfo): string =>
      toRegion(toLocation(location, call.region))
    const wanted = visible.filter((bucket) => {
      const { name } = bucket
      const isInRegion = page.region === undefined || page.region === regionOf(bucket)
      return name.startsWith(page.prefix) && name > page.after && isInRegion
    })
    const listed = wanted.slice(0, page.limit)
    const items = listed.map((bucket) => {
      const BucketRegion = page.isAsked ? regionOf(bucket) : undefined
      const CreationDate = xmlDate(bucket.createdAtMs)
      return elements({ Bucket: elements({ Name: bucket.name, CreationDate, BucketRegion }) })
    })
    const isTruncated = wanted.length > listed.length
    return xmlReply(
      'ListAllMyBucketsResult',
      elements({
        Owner: describeOwner(principal),
        Buckets: join(items),
        ContinuationToken: isTruncated ? writeToken(listed.at(-1)?.name ?? '') : undefined,
        Prefix: query.get('prefix'),
      }),
    )
  },
}

interface BucketPage {
  readonly prefix: string
  readonly after: string
  readonly limit: number
  readonly region: string | undefined
  /** True if the request has a paging parameter: then the answer includes the buckets' regions. */
  readonly isAsked: boolean
}

/** @throws {AwsError} `InvalidArgument`. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
function readPage(query: Query): BucketPage {
  const limitText = query.get('max-buckets')
  const limit = limitText === undefined ? maxBuckets : Number(limitText)
  if (
    limitText !== undefined &&
    !(/^\d{1,5}$/.test(limitText) && limit >= 1 && limit <= maxBuckets)
  )
    throw invalidArgument(
      { name: 'max-buckets', value: limitText },
      `max-buckets must be a number from 1 to ${maxBuckets}`,
      `Argument max-buckets must be an integer between 1 and ${maxBuckets}.`,
    )
  const token = query.get('continuation-token')
  return {
    prefix: query.get('prefix') ?? '',
    after: token === undefined ? '' : readToken(token),
    limit: limitText === undefined ? Number.POSITIVE_INFINITY : limit,
    region: query.get('bucket-region'),
    isAsked: query.pairs.length > 0,
  }
}
