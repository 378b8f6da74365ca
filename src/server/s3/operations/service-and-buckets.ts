/** Operations on the service and on buckets themselves. */
import { createTurns } from '../../../base/turns.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { childText, parseXml } from '../../../protocol/xml.ts'
import { noSuchBucket } from '../request/errors.ts'
import { reservedBuckets } from '../request/names.ts'
import type { BucketInfo } from '../request/object-store.ts'
import { readPayload } from '../body/payload.ts'
import { decide, denial, openBody, type S3Call, type S3Operation } from '../request/s3-operation.ts'
import { elements, join, xmlDate, xmlReply } from '../request/s3-xml.ts'
import { configurationLimits } from '../request/xml-limits.ts'
import { readToken, writeToken } from './list-objects.ts'
import { describeOwner } from '../request/owner.ts'

/** Most in one page; a request that asks for no page gets them all. */
const maxBuckets = 10_000

/**
 * GET / — the buckets. A caller who may not list them all sees those whose content it may list, as at MinIO: clients begin
 * with this call.
 */
export const listBuckets: S3Operation = {
  name: 'ListBuckets',
  action: undefined,
  async run(call) {
    const { query, principal } = call
    const page = readPage(query)
    const all = await decide(call, 's3:ListAllMyBuckets', { bucket: '', key: '' })
    const buckets = await call.objects.listBuckets()
    const visible = all.isAllowed ? buckets : await selectListable(call, buckets)
    if (!all.isAllowed && visible.length === 0) {
      throw denial('s3:ListAllMyBuckets', { bucket: '', key: '' }, all)
    }
    const region = call.region || 'us-east-1'
    const wanted = visible.filter(({ name }) => {
      return name.startsWith(page.prefix) && name > page.after && (page.region ?? region) === region
    })
    const listed = wanted.slice(0, page.limit)
    const items = listed.map(({ name, createdAtMs }) => {
      const BucketRegion = page.isAsked ? region : undefined
      const CreationDate = xmlDate(createdAtMs)
      return elements({ Bucket: elements({ Name: name, CreationDate, BucketRegion }) })
    })
    const isTruncated = wanted.length > listed.length
    return xmlReply(
      'ListAllMyBucketsResult',
      elements({
        Owner: describeOwner(principal),
        Buckets: join(items),
        ContinuationToken: isTruncated ? writeToken(listed.at(-1)?.name ?? '') : undefined,
        Prefix: query.get('prefix') ?? undefined,
      }),
    )
  },
}

interface BucketPage {
  readonly prefix: string
  readonly after: string
  readonly limit: number
  readonly region: string | undefined
  /** Whether the request says anything of a page: then buckets are listed with their regions. */
  readonly isAsked: boolean
}

/** @throws {AwsError} `InvalidArgument`. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
function readPage(query: URLSearchParams): BucketPage {
  const limitText = query.get('max-buckets')
  const limit = limitText === null ? maxBuckets : Number(limitText)
  if (limitText !== null && !(/^\d{1,5}$/.test(limitText) && limit >= 1 && limit <= maxBuckets))
    throw new AwsError('InvalidArgument', `max-buckets must be a number from 1 to ${maxBuckets}`)
  const token = query.get('continuation-token')
  return {
    prefix: query.get('prefix') ?? '',
    after: token === null ? '' : readToken(token),
    limit: limitText === null ? Number.POSITIVE_INFINITY : limit,
    region: query.get('bucket-region') ?? undefined,
    isAsked: [...query].length > 0,
  }
}

/** PUT /bucket */
export const createBucket: S3Operation = {
  name: 'CreateBucket',
  action: 's3:CreateBucket',
  async run(call) {
    if (reservedBuckets.has(call.bucket)) {
      throw new AwsError('InvalidBucketName', `${call.bucket} is a name of the server itself`)
    }
    const text = (
      await readPayload(openBody(call, { maxBytes: configurationLimits.maxBytes }))
    ).toString()
    if (text.trim() !== '') checkLocation(text, call.region)
    await call.objects.createBucket(call.bucket)
    return { status: 200, headers: { location: `/${call.bucket}` } }
  },
}

/** HEAD /bucket */
export const headBucket: S3Operation = {
  name: 'HeadBucket',
  action: 's3:ListBucket',
  async run(call) {
    await requireBucket(call)
    return { status: 200, headers: { 'x-amz-bucket-region': call.region || 'us-east-1' } }
  },
}

/** DELETE /bucket */
export const deleteBucket: S3Operation = {
  name: 'DeleteBucket',
  action: 's3:DeleteBucket',
  async run(call) {
    await call.objects.deleteBucket(call.bucket)
    return { status: 204 }
  },
}

/** GET /bucket?location — what most clients ask first; us-east-1 is written as nothing. */
export const getBucketLocation: S3Operation = {
  name: 'GetBucketLocation',
  action: 's3:GetBucketLocation',
  async run(call) {
    await requireBucket(call)
    const region = call.region === 'us-east-1' ? '' : call.region
    const reply = xmlReply('LocationConstraint', elements({}))
    return { ...reply, body: String(reply.body).replace('></', `>${region}</`) }
  },
}

/** GET /bucket?versioning — never switched on, which S3 says with an empty document. */
export const getBucketVersioning: S3Operation = {
  name: 'GetBucketVersioning',
  action: 's3:GetBucketVersioning',
  async run(call) {
    await requireBucket(call)
    return xmlReply('VersioningConfiguration', elements({}))
  },
}

/** @throws {AwsError} `NoSuchBucket`. */
export async function requireBucket({ objects, bucket }: S3Call): Promise<void> {
  if (!(await objects.hasBucket(bucket))) throw noSuchBucket(bucket)
}

async function selectListable(call: S3Call, buckets: readonly BucketInfo[]): Promise<BucketInfo[]> {
  const listable: BucketInfo[] = []
  const takeTurn = createTurns(16)
  for (const bucket of buckets) {
    await takeTurn()
    const at = { bucket: bucket.name, key: '' }
    if ((await decide(call, 's3:ListBucket', at)).isAllowed) listable.push(bucket)
  }
  return listable
}

/** A bucket cannot be asked to lie elsewhere. @throws {AwsError} `InvalidLocationConstraint`. */
function checkLocation(text: string, region: string): void {
  const root = parseXml(text, configurationLimits)
  if (root.name !== 'CreateBucketConfiguration') {
    throw new AwsError('MalformedXML', 'the body must be a CreateBucketConfiguration')
  }
  const other = root.children.find(({ name }) => name !== 'LocationConstraint')
  if (other !== undefined) {
    const message = `CreateBucket with ${other.name.slice(0, 100)} is not implemented`
    throw new AwsError('NotImplemented', message)
  }
  const wanted = childText(root, 'LocationConstraint')?.trim() ?? ''
  // `EU` and `US` are what clients said before regions had names
  if (wanted === '' || region === '' || wanted === region || wanted === 'US') return
  throw new AwsError(
    'InvalidLocationConstraint',
    `this server is region ${region}, not ${wanted}`,
    {
      status: 400,
    },
  )
}
