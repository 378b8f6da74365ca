/**
 * The routes of the gateway: method, level and query → the IAM actions that must be allowed. To add an operation, add a row.
 *
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
 */

import { nameVersionAction } from '../request/action-rules.ts'
import {
  bucketListParameters,
  listParameters,
  parseRoute,
  responseOverrides,
  uploadListParameters,
  type Level,
  type Route,
} from '../request/match-route.ts'

export interface GatewayRoute extends Route {
  /** S3's name of the operation. */
  readonly name: string
  /** All of them must be allowed. Empty if the operation authorizes itself. */
  readonly actions: readonly string[]
  /** Replaces `actions` if the query names a version. */
  readonly versionActions?: readonly string[]
  /** `none`: a body is not read. `document` is read into memory; `object` is streamed. */
  readonly body: 'none' | 'document' | 'object'
}

const version = ['versionId']

type Extras = Partial<
  Pick<GatewayRoute, 'versionActions' | 'required' | 'optional' | 'header' | 'body'>
>

/** @param at `GET bucket`. @param actions Without `s3:`, separated by spaces. */
function row(
  at: `${string} ${Level}`,
  name: string,
  actions: string,
  extras: Extras = {},
): GatewayRoute {
  return { ...parseRoute(at), name, actions: qualify(actions), body: 'none', ...extras }
}

/** Something about a bucket that is read, set and removed. @param verbs Method → action; `version` stands for a further parameter. */
function setting(
  level: 'bucket' | 'object',
  query: string,
  noun: string,
  verbs: Readonly<Partial<Record<'GET' | 'PUT' | 'DELETE', string>>>,
): GatewayRoute[] {
  return Object.entries(verbs).map(([method, action]) => {
    const verb = method === 'GET' ? 'Get' : method === 'PUT' ? 'Put' : 'Delete'
    return row(`${method} ${level}`, verb + noun, action, {
      required: [query],
      optional: level === 'object' ? version : ['id', 'continuation-token'],
      body: method === 'PUT' ? 'document' : 'none',
      ...(level === 'object' && { versionActions: qualify(action).map(nameVersionAction) }),
    })
  })
}

function qualify(actions: string): string[] {
  return actions === '' ? [] : actions.split(' ').map((action) => `s3:${action}`)
}

/** The first that fits is it; those with less in their query come last. */
export const gatewayRoutes: readonly GatewayRoute[] = [
  row('GET service', 'ListBuckets', '', {
    optional: bucketListParameters,
  }),

  row('GET bucket', 'GetBucketLocation', 'GetBucketLocation', { required: ['location'] }),
  row('GET bucket', 'ListMultipartUploads', 'ListBucketMultipartUploads', {
    required: ['uploads'],
    optional: uploadListParameters,
  }),
  row('GET bucket', 'ListObjectVersions', 'ListBucketVersions', {
    required: ['versions'],
    optional: [...listParameters, 'key-marker', 'version-id-marker'],
  }),
  row('GET bucket', 'GetBucketPolicyStatus', 'GetBucketPolicyStatus', {
    required: ['policyStatus'],
  }),
  row('POST bucket', 'DeleteObjects', '', { required: ['delete'] }),
  ...setting('bucket', 'accelerate', 'BucketAccelerateConfiguration', {
    GET: 'GetAccelerateConfiguration',
    PUT: 'PutAccelerateConfiguration',
  }),
  ...setting('bucket', 'acl', 'BucketAcl', { GET: 'GetBucketAcl', PUT: 'PutBucketAcl' }),
  ...setting('bucket', 'analytics', 'BucketAnalyticsConfiguration', {
    GET: 'GetAnalyticsConfiguration',
    PUT: 'PutAnalyticsConfiguration',
    DELETE: 'PutAnalyticsConfiguration',
  }),
  ...setting('bucket', 'cors', 'BucketCors', {
    GET: 'GetBucketCors',
    PUT: 'PutBucketCors',
    DELETE: 'PutBucketCors',
  }),
  ...setting('bucket', 'encryption', 'BucketEncryption', {
    GET: 'GetEncryptionConfiguration',
    PUT: 'PutEncryptionConfiguration',
    DELETE: 'PutEncryptionConfiguration',
  }),
  ...setting('bucket', 'intelligent-tiering', 'BucketIntelligentTieringConfiguration', {
    GET: 'GetIntelligentTieringConfiguration',
    PUT: 'PutIntelligentTieringConfiguration',
    DELETE: 'PutIntelligentTieringConfiguration',
  }),
  ...setting('bucket', 'inventory', 'BucketInventoryConfiguration', {
    GET: 'GetInventoryConfiguration',
    PUT: 'PutInventoryConfiguration',
    DELETE: 'PutInventoryConfiguration',
  }),
  ...setting('bucket', 'lifecycle', 'BucketLifecycle', {
    GET: 'GetLifecycleConfiguration',
    PUT: 'PutLifecycleConfiguration',
    DELETE: 'PutLifecycleConfiguration',
  }),
  ...setting('bucket', 'logging', 'BucketLogging', {
    GET: 'GetBucketLogging',
    PUT: 'PutBucketLogging',
  }),
  ...setting('bucket', 'metrics', 'BucketMetricsConfiguration', {
    GET: 'GetMetricsConfiguration',
    PUT: 'PutMetricsConfiguration',
    DELETE: 'PutMetricsConfiguration',
  }),
  ...setting('bucket', 'notification', 'BucketNotificationConfiguration', {
    GET: 'GetBucketNotification',
    PUT: 'PutBucketNotification',
  }),
  ...setting('bucket', 'object-lock', 'ObjectLockConfiguration', {
    GET: 'GetBucketObjectLockConfiguration',
    PUT: 'PutBucketObjectLockConfiguration',
  }),
  ...setting('bucket', 'ownershipControls', 'BucketOwnershipControls', {
    GET: 'GetBucketOwnershipControls',
    PUT: 'PutBucketOwnershipControls',
    DELETE: 'PutBucketOwnershipControls',
  }),
  ...setting('bucket', 'policy', 'BucketPolicy', {
    GET: 'GetBucketPolicy',
    PUT: 'PutBucketPolicy',
    DELETE: 'DeleteBucketPolicy',
  }),
  ...setting('bucket', 'publicAccessBlock', 'PublicAccessBlock', {
    GET: 'GetBucketPublicAccessBlock',
    PUT: 'PutBucketPublicAccessBlock',
    DELETE: 'PutBucketPublicAccessBlock',
  }),
  ...setting('bucket', 'replication', 'BucketReplication', {
    GET: 'GetReplicationConfiguration',
    PUT: 'PutReplicationConfiguration',
    DELETE: 'PutReplicationConfiguration',
  }),
  ...setting('bucket', 'requestPayment', 'BucketRequestPayment', {
    GET: 'GetBucketRequestPayment',
    PUT: 'PutBucketRequestPayment',
  }),
  ...setting('bucket', 'tagging', 'BucketTagging', {
    GET: 'GetBucketTagging',
    PUT: 'PutBucketTagging',
    DELETE: 'PutBucketTagging',
  }),
  ...setting('bucket', 'versioning', 'BucketVersioning', {
    GET: 'GetBucketVersioning',
    PUT: 'PutBucketVersioning',
  }),
  ...setting('bucket', 'website', 'BucketWebsite', {
    GET: 'GetBucketWebsite',
    PUT: 'PutBucketWebsite',
    DELETE: 'DeleteBucketWebsite',
  }),
  row('GET bucket', 'ListObjectsV2', 'ListBucket', {
    required: ['list-type=2'],
    optional: [...listParameters, 'continuation-token', 'fetch-owner', 'start-after'],
  }),
  row('GET bucket', 'ListObjects', 'ListBucket', { optional: [...listParameters, 'marker'] }),
  row('PUT bucket', 'CreateBucket', 'CreateBucket', { body: 'document' }),
  row('HEAD bucket', 'HeadBucket', 'ListBucket'),
  row('DELETE bucket', 'DeleteBucket', 'DeleteBucket'),

  ...setting('object', 'acl', 'ObjectAcl', { GET: 'GetObjectAcl', PUT: 'PutObjectAcl' }),
  ...setting('object', 'legal-hold', 'ObjectLegalHold', {
    GET: 'GetObjectLegalHold',
    PUT: 'PutObjectLegalHold',
  }),
  ...setting('object', 'retention', 'ObjectRetention', {
    GET: 'GetObjectRetention',
    PUT: 'PutObjectRetention',
  }),
  ...setting('object', 'tagging', 'ObjectTagging', {
    GET: 'GetObjectTagging',
    PUT: 'PutObjectTagging',
    DELETE: 'DeleteObjectTagging',
  }),
  row('GET object', 'GetObjectAttributes', 'GetObject GetObjectAttributes', {
    required: ['attributes'],
    optional: version,
    versionActions: qualify('GetObjectVersion GetObjectVersionAttributes'),
  }),
  row('GET object', 'GetObjectTorrent', 'GetObjectTorrent', { required: ['torrent'] }),
  row('POST object', 'RestoreObject', 'RestoreObject', {
    required: ['restore'],
    optional: version,
    body: 'document',
  }),
  row('POST object', 'SelectObjectContent', 'GetObject', {
    required: ['select', 'select-type=2'],
    body: 'document',
  }),
  row('POST object', 'CreateMultipartUpload', 'PutObject', { required: ['uploads'] }),
  row('POST object', 'CompleteMultipartUpload', 'PutObject', { required: ['uploadId'] }),
  row('PUT object', 'UploadPartCopy', 'PutObject', {
    required: ['partNumber', 'uploadId'],
    header: 'x-amz-copy-source',
  }),
  row('PUT object', 'UploadPart', 'PutObject', {
    required: ['partNumber', 'uploadId'],
    body: 'object',
  }),
  row('GET object', 'ListParts', 'ListMultipartUploadParts', {
    required: ['uploadId'],
    optional: ['encoding-type', 'max-parts', 'part-number-marker'],
  }),
  row('DELETE object', 'AbortMultipartUpload', 'AbortMultipartUpload', { required: ['uploadId'] }),
  row('PUT object', 'CopyObject', 'PutObject', { header: 'x-amz-copy-source' }),
  row('PUT object', 'PutObject', 'PutObject', { body: 'object' }),
  ...['GET', 'HEAD'].map((method) => {
    return row(`${method} object`, method === 'GET' ? 'GetObject' : 'HeadObject', 'GetObject', {
      optional: [...version, 'partNumber', ...responseOverrides],
      versionActions: qualify('GetObjectVersion'),
    })
  }),
  row('DELETE object', 'DeleteObject', 'DeleteObject', {
    optional: version,
    versionActions: qualify('DeleteObjectVersion'),
  }),
]
