/** The routes of the store for objects, with each query parameter and header that an operation reads. */
import { abortMultipartUpload } from '../operations/abort-multipart-upload.ts'
import { getObjectAcl, putObjectAcl } from '../operations/acl.ts'
import { completeMultipartUpload } from '../operations/complete-multipart-upload.ts'
import { copyObject } from '../operations/copy-object.ts'
import { createMultipartUpload } from '../operations/create-multipart-upload.ts'
import { deleteObject } from '../operations/delete-object.ts'
import { getObjectAttributes } from '../operations/get-object-attributes.ts'
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
import { putObject } from '../operations/put-object.ts'
import { getObject, headObject } from '../operations/read-object.ts'
import { uploadPart, uploadPartCopy } from '../operations/upload-part.ts'
import { customerKeyHeaders, encryptionHeaders } from '../request/encryption-headers.ts'
import {
  acl,
  body,
  bypass,
  conditions,
  described,
  read,
  readHeaders,
  route,
  source,
  type StoreRoute,
} from './route-rows.ts'

const part = ['partNumber', 'uploadId']

export const objectRoutes: readonly StoreRoute[] = [
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
  route('DELETE object', deleteObject, {
    optional: ['versionId'],
    headers: [bypass, 'if-match', 'x-amz-if-match-last-modified-time', 'x-amz-if-match-size'],
  }),
]
