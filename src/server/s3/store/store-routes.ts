/**
 * The routes of the embedded store: method, level and query → operation, with every query parameter and `x-amz-` header that the operation
 * reads. The first match wins, so routes with fewer query parameters come last. To add an operation, add a file in `operations/` and a row.
 */
import { checksumAlgorithms, checksumHeader } from '../body/checksum.ts'
import { abortMultipartUpload } from '../operations/abort-multipart-upload.ts'
import { getBucketAcl, getObjectAcl, putBucketAcl, putObjectAcl } from '../operations/acl.ts'
import { deleteBucketCors, getBucketCors, putBucketCors } from '../operations/bucket-cors.ts'
import {
  deleteBucketLifecycle,
  getBucketLifecycle,
  putBucketLifecycle,
} from '../operations/bucket-lifecycle.ts'
import {
  getObjectLockConfiguration,
  putObjectLockConfiguration,
} from '../operations/bucket-object-lock.ts'
import { bucketEncryption } from '../operations/bucket-encryption.ts'
import {
  deleteBucketPolicy,
  getBucketPolicy,
  getBucketPolicyStatus,
  putBucketPolicy,
} from '../operations/bucket-policy.ts'
import { bucketTagging } from '../operations/bucket-tagging.ts'
import { completeMultipartUpload } from '../operations/complete-multipart-upload.ts'
import { copyObject } from '../operations/copy-object.ts'
import { createBucket } from '../operations/create-bucket.ts'
import { createMultipartUpload } from '../operations/create-multipart-upload.ts'
import { deleteBucket } from '../operations/delete-bucket.ts'
import { deleteObject } from '../operations/delete-object.ts'
import { deleteObjects } from '../operations/delete-objects.ts'
import { getBucketLocation } from '../operations/get-bucket-location.ts'
import { getBucketVersioning, putBucketVersioning } from '../operations/bucket-versioning.ts'
import { getObjectAttributes } from '../operations/get-object-attributes.ts'
import { headBucket } from '../operations/head-bucket.ts'
import { listBuckets } from '../operations/list-buckets.ts'
import { listMultipartUploads } from '../operations/list-multipart-uploads.ts'
import { listObjectVersions } from '../operations/list-object-versions.ts'
import { listObjects, listObjectsV2 } from '../operations/list-objects.ts'
import { listParts } from '../operations/list-parts.ts'
import {
  getObjectLegalHold,
  getObjectRetention,
  putObjectLegalHold,
  putObjectRetention,
} from '../operations/object-lock.ts'
import {
  deleteObjectTagging,
  getObjectTagging,
  putObjectTagging,
} from '../operations/object-tagging.ts'
import { ownershipControls } from '../operations/ownership-controls.ts'
import { publicAccessBlock } from '../operations/public-access-block.ts'
import { putObject } from '../operations/put-object.ts'
import { getObject, headObject } from '../operations/read-object.ts'
import { unsetSettings } from '../operations/unset-settings.ts'
import { uploadPart, uploadPartCopy } from '../operations/upload-part.ts'
import { lockHeaders } from '../request/lock-headers.ts'
import {
  customerKeyHeaders,
  encryptionHeaders,
  sourceKeyHeaders,
} from '../request/encryption-headers.ts'
import type { SettingOperations } from '../request/bucket-setting.ts'
import {
  bucketListParameters,
  listParameters,
  parseRoute,
  responseOverrides,
  uploadListParameters,
  type Level,
  type Route,
} from '../request/match-route.ts'
import type { S3Operation } from '../request/s3-operation.ts'

export interface StoreRoute extends Route {
  readonly required: readonly string[]
  readonly optional: readonly string[]
  readonly operation: S3Operation
  /**
   * The S3 headers that the operation reads: `x-amz-…`, a prefix with `*`, and for writes conditions (`if-…`). Headers that every operation
   * accepts are in `standard-headers.ts`.
   */
  readonly headers: readonly string[]
}

/** Headers of a body: its encoding and its checksums. */
const body = [
  'x-amz-decoded-content-length',
  'x-amz-trailer',
  'x-amz-sdk-checksum-algorithm',
  ...checksumAlgorithms.map(checksumHeader),
]
const conditions = ['if-match', 'if-none-match']
const bypass = 'x-amz-bypass-governance-retention'
/** The headers of a canned ACL and of grants, which `standard-headers.ts` checks. */
const acl = ['x-amz-acl', 'x-amz-grant-*']
/** Headers that describe a new object. */
const described = [
  ...acl,
  ...encryptionHeaders,
  ...lockHeaders,
  'x-amz-meta-*',
  'x-amz-storage-class',
  'x-amz-tagging',
]
const source = [
  'x-amz-copy-source',
  'x-amz-copy-source-if-match',
  'x-amz-copy-source-if-modified-since',
  'x-amz-copy-source-if-none-match',
  'x-amz-copy-source-if-unmodified-since',
  'x-amz-source-expected-bucket-owner',
  ...sourceKeyHeaders,
]
/** Asks for the state of archived objects that are restored. There are none, so that the lists are right without it. */
const listed = ['x-amz-optional-object-attributes']
const readHeaders = [...encryptionHeaders, 'x-amz-checksum-mode']
const read = ['partNumber', ...responseOverrides, 'versionId']

type Extras = Partial<Pick<StoreRoute, 'required' | 'optional' | 'header' | 'headers'>>

/** @param at `GET bucket`. */
function route(
  at: `${string} ${Level}`,
  operation: S3Operation,
  { required = [], optional = [], header, headers = [] }: Extras = {},
): StoreRoute {
  return { ...parseRoute(at), operation, required, optional, header, headers }
}

/** The three routes of a setting that is stored as a document. */
function setting(query: string, { get, put, remove }: SettingOperations): StoreRoute[] {
  const required = [query]
  return [
    route('GET bucket', get, { required }),
    route('PUT bucket', put, { required, headers: body }),
    route('DELETE bucket', remove, { required }),
  ]
}

const part = ['partNumber', 'uploadId']

export const storeRoutes: readonly StoreRoute[] = [
  route('GET service', listBuckets, {
    optional: bucketListParameters,
  }),

  ...unsetSettings.map(({ method, query, optional = [], operation }) =>
    route(`${method} bucket`, operation, {
      required: [query],
      optional,
      headers: method === 'PUT' ? body : [],
    }),
  ),
  route('GET bucket', getBucketAcl, { required: ['acl'] }),
  route('PUT bucket', putBucketAcl, { required: ['acl'], headers: [...body, ...acl] }),
  route('GET bucket', getBucketCors, { required: ['cors'] }),
  route('PUT bucket', putBucketCors, { required: ['cors'], headers: body }),
  route('DELETE bucket', deleteBucketCors, { required: ['cors'] }),
  route('GET bucket', getBucketLifecycle, { required: ['lifecycle'] }),
  route('PUT bucket', putBucketLifecycle, {
    required: ['lifecycle'],
    headers: [...body, 'x-amz-transition-default-minimum-object-size'],
  }),
  route('DELETE bucket', deleteBucketLifecycle, { required: ['lifecycle'] }),
  route('GET bucket', getObjectLockConfiguration, { required: ['object-lock'] }),
  route('PUT bucket', putObjectLockConfiguration, { required: ['object-lock'], headers: body }),
  route('GET bucket', getBucketPolicy, { required: ['policy'] }),
  route('PUT bucket', putBucketPolicy, {
    required: ['policy'],
    headers: [...body, 'x-amz-confirm-remove-self-bucket-access'],
  }),
  route('DELETE bucket', deleteBucketPolicy, { required: ['policy'] }),
  route('GET bucket', getBucketPolicyStatus, { required: ['policyStatus'] }),
  ...setting('publicAccessBlock', publicAccessBlock),
  ...setting('ownershipControls', ownershipControls),
  ...setting('tagging', bucketTagging),
  ...setting('encryption', bucketEncryption),
  route('GET bucket', getBucketLocation, { required: ['location'] }),
  route('GET bucket', getBucketVersioning, { required: ['versioning'] }),
  route('PUT bucket', putBucketVersioning, { required: ['versioning'], headers: body }),
  route('GET bucket', listMultipartUploads, {
    required: ['uploads'],
    optional: uploadListParameters,
  }),
  route('GET bucket', listObjectVersions, {
    required: ['versions'],
    optional: [...listParameters, 'key-marker', 'metadata', 'version-id-marker'],
    headers: listed,
  }),
  route('GET bucket', listObjectsV2, {
    required: ['list-type=2'],
    // `metadata` is MinIO's own, sent by its clients to any S3; where it is not known, as at AWS, the list is without
    optional: [...listParameters, 'continuation-token', 'fetch-owner', 'metadata', 'start-after'],
    headers: listed,
  }),
  route('GET bucket', listObjects, { optional: [...listParameters, 'marker'], headers: listed }),
  route('POST bucket', deleteObjects, { required: ['delete'], headers: [...body, bypass] }),
  route('PUT bucket', createBucket, {
    headers: [...body, ...acl, 'x-amz-bucket-object-lock-enabled', 'x-amz-object-ownership'],
  }),
  route('HEAD bucket', headBucket),
  route('DELETE bucket', deleteBucket),

  route('POST object', createMultipartUpload, {
    required: ['uploads'],
    headers: [...described, 'x-amz-checksum-algorithm', 'x-amz-checksum-type'],
  }),
  route('POST object', completeMultipartUpload, {
    required: ['uploadId'],
    headers: [
      ...body,
      ...conditions,
      ...customerKeyHeaders,
      'x-amz-checksum-type',
      'x-amz-mp-object-size',
    ],
  }),
  route('PUT object', uploadPartCopy, {
    required: part,
    header: 'x-amz-copy-source',
    headers: [...source, ...encryptionHeaders, 'x-amz-copy-source-range'],
  }),
  route('PUT object', uploadPart, {
    required: part,
    headers: [...body, ...encryptionHeaders, 'x-amz-checksum-algorithm'],
  }),
  route('PUT object', putObjectAcl, {
    required: ['acl'],
    optional: ['versionId'],
    headers: [...body, ...acl],
  }),
  route('PUT object', putObjectTagging, {
    required: ['tagging'],
    optional: ['versionId'],
    headers: body,
  }),
  route('PUT object', putObjectRetention, {
    required: ['retention'],
    optional: ['versionId'],
    headers: [...body, bypass],
  }),
  route('PUT object', putObjectLegalHold, {
    required: ['legal-hold'],
    optional: ['versionId'],
    headers: body,
  }),
  route('PUT object', copyObject, {
    header: 'x-amz-copy-source',
    headers: [
      ...source,
      ...conditions,
      ...described,
      'x-amz-checksum-algorithm',
      'x-amz-metadata-directive',
      'x-amz-tagging-directive',
    ],
  }),
  route('PUT object', putObject, {
    headers: [...body, ...conditions, ...described, 'x-amz-checksum-algorithm'],
  }),
  route('GET object', listParts, {
    required: ['uploadId'],
    optional: ['encoding-type', 'max-parts', 'part-number-marker'],
    headers: customerKeyHeaders,
  }),
  route('GET object', getObjectAttributes, {
    required: ['attributes'],
    optional: ['versionId'],
    headers: [
      ...customerKeyHeaders,
      'x-amz-max-parts',
      'x-amz-object-attributes',
      'x-amz-part-number-marker',
    ],
  }),
  route('GET object', getObjectAcl, {
    required: ['acl'],
    optional: ['versionId'],
  }),
  route('GET object', getObjectRetention, {
    required: ['retention'],
    optional: ['versionId'],
  }),
  route('GET object', getObjectLegalHold, {
    required: ['legal-hold'],
    optional: ['versionId'],
  }),
  route('GET object', getObjectTagging, {
    required: ['tagging'],
    optional: ['versionId'],
  }),
  route('DELETE object', deleteObjectTagging, {
    required: ['tagging'],
    optional: ['versionId'],
  }),
  route('GET object', getObject, { optional: read, headers: readHeaders }),
  route('HEAD object', headObject, { optional: read, headers: readHeaders }),
  route('DELETE object', abortMultipartUpload, { required: ['uploadId'] }),
  route('DELETE object', deleteObject, { optional: ['versionId'], headers: [bypass] }),
]
