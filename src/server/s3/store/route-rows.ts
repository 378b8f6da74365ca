/** What the tables of routes share: a row, and lists of headers and query parameters. */
import { checksumAlgorithms, checksumHeader } from '../body/checksum.ts'
import type { SettingOperations } from '../request/bucket-setting.ts'
import { encryptionHeaders, sourceKeyHeaders } from '../request/encryption-headers.ts'
import { lockHeaders } from '../request/lock-headers.ts'
import { parseRoute, responseOverrides, type Level, type Route } from '../request/match-route.ts'
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
export const body = [
  'x-amz-decoded-content-length',
  'x-amz-trailer',
  'x-amz-sdk-checksum-algorithm',
  ...checksumAlgorithms.map(checksumHeader),
]
export const conditions = ['if-match', 'if-none-match']
export const bypass = 'x-amz-bypass-governance-retention'
/** The headers of a canned ACL and of grants, which `standard-headers.ts` checks. */
export const acl = ['x-amz-acl', 'x-amz-grant-*']
/** Headers that describe a new object. */
export const described = [
  ...acl,
  ...encryptionHeaders,
  ...lockHeaders,
  'x-amz-meta-*',
  'x-amz-storage-class',
  'x-amz-tagging',
  'x-amz-website-redirect-location',
]
export const source = [
  'x-amz-copy-source',
  'x-amz-copy-source-if-match',
  'x-amz-copy-source-if-modified-since',
  'x-amz-copy-source-if-none-match',
  'x-amz-copy-source-if-unmodified-since',
  'x-amz-source-expected-bucket-owner',
  ...sourceKeyHeaders,
]
/** Asks for the state of archived objects that are restored. There are none, so that the lists are right without it. */
export const listed = ['x-amz-optional-object-attributes']
export const readHeaders = [...encryptionHeaders, 'x-amz-checksum-mode']
export const read = ['partNumber', ...responseOverrides, 'versionId']

type Extras = Partial<Pick<StoreRoute, 'required' | 'optional' | 'header' | 'headers'>>

/** @param at `GET bucket`. */
export function route(
  at: `${string} ${Level}`,
  operation: S3Operation,
  { required = [], optional = [], header, headers = [] }: Extras = {},
): StoreRoute {
  return { ...parseRoute(at), operation, required, optional, header, headers }
}

/** The three routes of a setting that is stored as a document. */
export function setting(query: string, { get, put, remove }: SettingOperations): StoreRoute[] {
  const required = [query]
  return [
    route('GET bucket', get, { required }),
    route('PUT bucket', put, { required, headers: body }),
    route('DELETE bucket', remove, { required }),
  ]
}
