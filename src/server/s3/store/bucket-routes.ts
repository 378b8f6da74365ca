/** The routes of the store for buckets, with each query parameter and header that an operation reads. */
import { getBucketAcl, putBucketAcl } from '../operations/acl.ts'
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
import { createBucket } from '../operations/create-bucket.ts'
import { deleteBucket } from '../operations/delete-bucket.ts'
import { deleteObjects } from '../operations/delete-objects.ts'
import { getBucketLocation } from '../operations/get-bucket-location.ts'
import { getBucketVersioning, putBucketVersioning } from '../operations/bucket-versioning.ts'
import { headBucket } from '../operations/head-bucket.ts'
import { listMultipartUploads } from '../operations/list-multipart-uploads.ts'
import { listObjectVersions } from '../operations/list-object-versions.ts'
import { listObjects, listObjectsV2 } from '../operations/list-objects.ts'
import { ownershipControls } from '../operations/ownership-controls.ts'
import { publicAccessBlock } from '../operations/public-access-block.ts'
import { unsetSettings } from '../operations/unset-settings.ts'
import { listParameters, uploadListParameters } from '../request/match-route.ts'
import { acl, body, bypass, listed, route, setting, type StoreRoute } from './route-rows.ts'

export const bucketRoutes: readonly StoreRoute[] = [
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
]
