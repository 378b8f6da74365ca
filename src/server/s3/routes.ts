/** Method, address, query and headers → operation: one table, first match wins. */
import { AwsError } from '../../protocol/aws-error.ts'
import type { Address } from './address.ts'
import { completeMultipartUpload } from './operations/complete-upload.ts'
import { copyObject } from './operations/copy-object.ts'
import { deleteObjects } from './operations/delete-objects.ts'
import { listObjects, listObjectsV2 } from './operations/list-objects.ts'
import * as multipart from './operations/multipart-parts.ts'
import { getObjectAttributes } from './operations/object-attributes.ts'
import { getObject, headObject } from './operations/read-object.ts'
import * as buckets from './operations/service-and-buckets.ts'
import * as tagging from './operations/tagging.ts'
import { deleteObject, putObject } from './operations/write-object.ts'
import { requireBucketName } from './names.ts'
import type { ObjectStore } from './object-store.ts'
import type { S3Backend, S3Operation } from './s3-operation.ts'

type Level = 'service' | 'bucket' | 'object'

interface Route {
  readonly method: string
  readonly level: Level
  /** Query parameters that must be there, as `name` or `name=value`. */
  readonly query?: readonly string[]
  readonly header?: string
  readonly operation: S3Operation
}

const routes: readonly Route[] = [
  { method: 'GET', level: 'service', operation: buckets.listBuckets },

  { method: 'GET', level: 'bucket', query: ['location'], operation: buckets.getBucketLocation },
  { method: 'GET', level: 'bucket', query: ['versioning'], operation: buckets.getBucketVersioning },
  { method: 'GET', level: 'bucket', query: ['uploads'], operation: multipart.listMultipartUploads },
  { method: 'GET', level: 'bucket', query: ['list-type=2'], operation: listObjectsV2 },
  { method: 'GET', level: 'bucket', operation: listObjects },
  { method: 'POST', level: 'bucket', query: ['delete'], operation: deleteObjects },
  { method: 'PUT', level: 'bucket', operation: buckets.createBucket },
  { method: 'HEAD', level: 'bucket', operation: buckets.headBucket },
  { method: 'DELETE', level: 'bucket', operation: buckets.deleteBucket },

  {
    method: 'POST',
    level: 'object',
    query: ['uploads'],
    operation: multipart.createMultipartUpload,
  },
  { method: 'POST', level: 'object', query: ['uploadId'], operation: completeMultipartUpload },
  {
    method: 'PUT',
    level: 'object',
    query: ['partNumber', 'uploadId'],
    header: 'x-amz-copy-source',
    operation: multipart.uploadPartCopy,
  },
  {
    method: 'PUT',
    level: 'object',
    query: ['partNumber', 'uploadId'],
    operation: multipart.uploadPart,
  },
  { method: 'PUT', level: 'object', query: ['tagging'], operation: tagging.putObjectTagging },
  { method: 'PUT', level: 'object', header: 'x-amz-copy-source', operation: copyObject },
  { method: 'PUT', level: 'object', operation: putObject },
  { method: 'GET', level: 'object', query: ['uploadId'], operation: multipart.listParts },
  { method: 'GET', level: 'object', query: ['attributes'], operation: getObjectAttributes },
  { method: 'GET', level: 'object', query: ['tagging'], operation: tagging.getObjectTagging },
  { method: 'DELETE', level: 'object', query: ['tagging'], operation: tagging.deleteObjectTagging },
  { method: 'GET', level: 'object', operation: getObject },
  { method: 'HEAD', level: 'object', operation: headObject },
  {
    method: 'DELETE',
    level: 'object',
    query: ['uploadId'],
    operation: multipart.abortMultipartUpload,
  },
  { method: 'DELETE', level: 'object', operation: deleteObject },
]

/** Query parameters that name a sub-resource. One that no route takes must never fall through to the object itself. */
const subresources: ReadonlySet<string> = new Set(
  `abac accelerate acl analytics append attributes cors delete encryption intelligent-tiering inventory legal-hold lifecycle location
  logging metadataConfiguration metadataTable metrics notification object-lock ownershipControls partNumber policy policyStatus
  publicAccessBlock renameObject replication requestPayment restore retention select session tagging torrent uploadId uploads
  versioning versions website`.split(/\s+/),
)

/** Parameters a reading route knows besides its own: `GET ?partNumber=3` asks for a part of an object. */
const readable: ReadonlySet<string> = new Set(['partNumber'])

/** The embedded operations on a store. */
export function createStoreBackend(objects: ObjectStore): S3Backend {
  return {
    requireBucketName,
    findOperation(method, address, query, headers) {
      const { name, action, run } = findOperation(method, address, query, headers)
      return { name, action, run: (request) => run({ ...request, objects }) }
    },
    checkReady: () => objects.checkReady(),
  }
}

/**
 * Finds the operation a request is.
 *
 * @throws {AwsError} `NotImplemented`, naming what was asked for; `MethodNotAllowed` for a method that S3 never takes there.
 */
function findOperation(
  method: string,
  address: Address,
  query: URLSearchParams,
  headers: ReadonlyMap<string, string>,
): S3Operation {
  const level = address.bucket === '' ? 'service' : address.key === '' ? 'bucket' : 'object'
  const route = routes.find((candidate) => {
    return (
      candidate.method === method && candidate.level === level && fits(candidate, query, headers)
    )
  })
  const asked = [...query.keys()].find((name) => {
    const isTaken = route?.query?.some((wanted) => wanted.split('=')[0] === name) ?? false
    const isRead = (method === 'GET' || method === 'HEAD') && readable.has(name)
    return subresources.has(name) && !isTaken && !isRead
  })
  if (asked !== undefined) {
    throw new AwsError(
      'NotImplemented',
      `${method} ?${asked} of ${nameLevel(level)} is not implemented`,
    )
  }
  if (route) return route.operation
  if (method === 'POST' && level === 'bucket') {
    const message =
      'an upload form must be multipart/form-data, signed in its fields and nowhere else'
    throw new AwsError('PreconditionFailed', message)
  }
  throw new AwsError(
    'MethodNotAllowed',
    `${method.slice(0, 20)} of ${nameLevel(level)} is not allowed`,
  )
}

function fits(route: Route, query: URLSearchParams, headers: ReadonlyMap<string, string>): boolean {
  if (route.header !== undefined && !headers.has(route.header)) return false
  return (route.query ?? []).every((wanted) => {
    const [name = '', value] = wanted.split('=')
    return value === undefined ? query.has(name) : query.get(name) === value
  })
}

function nameLevel(level: Level): string {
  return level === 'service' ? 'the service' : level === 'bucket' ? 'a bucket' : 'an object'
}
