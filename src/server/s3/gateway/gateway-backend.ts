/** The S3 backend that is another S3: the policy station stays here, the work is done there. */
import { AwsError } from '../../../protocol/aws-error.ts'
import type { HttpReply } from '../../http/http-message.ts'
import type { S3Backend, S3Operation, S3Request } from '../request/s3-operation.ts'
import { forwardCompleteUpload } from './forward-complete-upload.ts'
import { forwardCopy } from './forward-copy.ts'
import { forwardCreateBucket, forwardBucketLocation } from './forward-create-bucket.ts'
import { forwardDeleteObjects } from './forward-delete-objects.ts'
import { forwardDestination } from './forward-destination.ts'
import { forward, type GatewayCall } from './forward.ts'
import { gatewayTable, type GatewayRow, type Level } from './gateway-table.ts'
import { forwardListBuckets } from './forward-list-buckets.ts'
import type { Upstream } from './open-upstream.ts'
import { forwardRestore } from './forward-restore.ts'
import {
  authorizeFolded,
  authorizeKey,
  requirePlainKey,
  requirePlainVersion,
  requireUpstreamBucket,
} from './upstream-names.ts'

/** Operations that are more than a request passed on. */
const special: Readonly<Record<string, (call: GatewayCall) => Promise<HttpReply>>> = {
  ListBuckets: forwardListBuckets,
  CreateBucket: forwardCreateBucket,
  GetBucketLocation: forwardBucketLocation,
  DeleteObjects: forwardDeleteObjects,
  CopyObject: forwardCopy,
  UploadPartCopy: forwardCopy,
  CompleteMultipartUpload: forwardCompleteUpload,
  RestoreObject: forwardRestore,
  PutBucketAnalyticsConfiguration: forwardDestination,
  PutBucketInventoryConfiguration: forwardDestination,
  PutBucketLogging: forwardDestination,
  PutBucketReplication: forwardDestination,
}

/** Makes the backend. Every request is authorized in full before the upstream hears of it: to the upstream, all are the root user's. */
export function createGatewayBackend(upstream: Upstream): S3Backend {
  return {
    requireBucketName: (name) => requireUpstreamBucket(name, upstream.style),
    findOperation(method, { bucket, key }, query, headers) {
      requirePlainKey(key)
      requirePlainVersion(query.get('versionId'))
      const level = bucket === '' ? 'service' : key === '' ? 'bucket' : 'object'
      return toOperation(findRow({ method, level, query, headers }), query, upstream)
    },
    checkReady: () => upstream.checkReady(),
  }
}

function toOperation(
  row: GatewayRow,
  query: URLSearchParams,
  upstream: Upstream,
): S3Operation<S3Request> {
  const isVersioned = query.has('versionId')
  const [action, ...more] = (isVersioned ? row.versionActions : undefined) ?? row.actions
  return {
    name: row.name,
    action,
    async run(request) {
      if (action !== undefined) await authorizeFolded(request, action, request)
      for (const further of more) await authorizeKey(request, further)
      const call = { ...request, upstream }
      const run = special[row.name]
      return run === undefined ? forward(call, { body: row.body }) : run(call)
    },
  }
}

interface Asked {
  readonly method: string
  readonly level: Level
  readonly query: URLSearchParams
  readonly headers: ReadonlyMap<string, string>
}

function findRow(asked: Asked): GatewayRow {
  const { method, level, query } = asked
  const row = gatewayTable.find((candidate) => fits(candidate, asked))
  const unknown = [...query.keys()].find((name) => row === undefined || !isKnown(row, name))
  if (unknown !== undefined) {
    const message = `${method} ?${unknown} of ${nameLevel(level)} is not passed on to the upstream S3`
    throw new AwsError('NotImplemented', message)
  }
  if (row !== undefined) return row
  if (method === 'POST' && level === 'bucket') {
    const message =
      'an upload form must be multipart/form-data, signed in its fields and nowhere else'
    throw new AwsError('PreconditionFailed', message)
  }
  const message = `${method.slice(0, 20)} of ${nameLevel(level)} is not allowed`
  throw new AwsError('MethodNotAllowed', message)
}

function fits(row: GatewayRow, { method, level, query, headers }: Asked): boolean {
  if (row.method !== method || row.level !== level) return false
  const { header, required = [] } = row
  if (header !== undefined && !headers.has(header)) return false
  return required.every((wanted) => {
    const [name = '', value] = wanted.split('=')
    return value === undefined ? query.has(name) : query.get(name) === value
  })
}

function isKnown({ required = [], optional = [] }: GatewayRow, name: string): boolean {
  return optional.includes(name) || required.some((wanted) => wanted.split('=')[0] === name)
}

function nameLevel(level: Level): string {
  return level === 'service' ? 'the service' : level === 'bucket' ? 'a bucket' : 'an object'
}
