/** The S3 backend that forwards to another S3. Requests are authorized here and carried out there. */
import type { Query } from '../../../protocol/query.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { describeLevel, findLevel, matchRoute, type RouteRequest } from '../request/match-route.ts'
import type { LongWork, S3Backend, S3Operation, S3Request } from '../request/s3-operation.ts'
import { forwardCompleteUpload } from './forward-complete-upload.ts'
import { forwardCopy } from './forward-copy.ts'
import { forwardCreateBucket, forwardBucketLocation } from './forward-create-bucket.ts'
import { forwardDeleteObjects } from './forward-delete-objects.ts'
import { forwardDestination } from './forward-destination.ts'
import { forward, type GatewayCall } from './forward.ts'
import { gatewayRoutes, type GatewayRoute } from './gateway-routes.ts'
import { forwardListBuckets } from './forward-list-buckets.ts'
import { describeNotPassedOn } from './not-passed-on.ts'
import type { Upstream } from './open-upstream.ts'
import { forwardRead } from './forward-read.ts'
import { forwardRestore } from './forward-restore.ts'
import {
  authorizeFolded,
  authorizeKey,
  requirePlainKey,
  requirePlainVersion,
  requireUpstreamBucket,
} from './upstream-names.ts'

/** Operations that need more than forwarding the request. */
const special: Readonly<Record<string, (call: GatewayCall) => Promise<HttpReply | LongWork>>> = {
  ListBuckets: forwardListBuckets,
  CreateBucket: forwardCreateBucket,
  GetBucketLocation: forwardBucketLocation,
  DeleteObjects: forwardDeleteObjects,
  GetObject: forwardRead,
  HeadObject: forwardRead,
  CopyObject: forwardCopy,
  UploadPartCopy: forwardCopy,
  CompleteMultipartUpload: forwardCompleteUpload,
  RestoreObject: forwardRestore,
  PutBucketAnalyticsConfiguration: forwardDestination,
  PutBucketInventoryConfiguration: forwardDestination,
  PutBucketLogging: forwardDestination,
  PutBucketReplication: forwardDestination,
}

/** Creates the backend. Each request is fully authorized before it is sent, because the upstream sees all of them as the root user's. */
export function createGatewayBackend(upstream: Upstream): S3Backend {
  return {
    requireBucketName: (name) => requireUpstreamBucket(name, upstream.style),
    findOperation(method, address, query, headers) {
      requirePlainKey(address.key)
      requirePlainVersion(query.get('versionId'))
      const request = { method, level: findLevel(address), query, headers }
      return toOperation(matchRoute(gatewayRoutes, request, { describeUnknown }), query, upstream)
    },
    // No `findCorsRules`: a browser's question is not signed, and to ask the upstream for the bucket's rules as root would let strangers send it
    // requests and learn which buckets it has. Pages are between a browser and this server, so this server's origins decide.
    checkReady: () => upstream.checkReady(),
  }
}

function toOperation(row: GatewayRoute, query: Query, upstream: Upstream): S3Operation<S3Request> {
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

/** Returns the message for a query parameter that the gateway does not know. */
function describeUnknown(parameter: string, { method, level }: RouteRequest): string {
  return describeNotPassedOn(`${method} ?${parameter} of ${describeLevel(level)}`)
}
