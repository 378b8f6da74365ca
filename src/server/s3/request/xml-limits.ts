/**
 * What each document of a request needs and no more: its length, and how many elements and character references it can have.
 */
import type { XmlLimits } from '../../../protocol/xml.ts'

const kibi = 1024
const request = { maxDepth: 8 } as const

/** A thousand keys of 1,024 bytes with their versions, with room for escapes: six elements an object, and half of all keys escaped. */
export const deleteLimits = {
  ...request,
  maxBytes: 2 * kibi * kibi,
  maxElements: 8 * kibi,
  maxReferences: 128 * kibi,
} satisfies XmlLimits

/** Ten thousand parts, each with its number, its ETag in quotation marks and two checksums: 300 bytes, five elements, two references. */
export const completeLimits = {
  ...request,
  maxBytes: 3 * kibi * kibi,
  maxElements: 52 * kibi,
  maxReferences: 24 * kibi,
} satisfies XmlLimits

/** Ten tags of an object or fifty of a bucket, with names of 128 characters and values of 256. */
export const taggingLimits = {
  ...request,
  maxBytes: 128 * kibi,
  maxElements: 256,
  maxReferences: 24 * kibi,
} satisfies XmlLimits

/** A hundred CORS rules; AWS too takes 64 KB ("PutBucketCors"). */
export const corsLimits = {
  ...request,
  maxBytes: 64 * kibi,
  maxElements: 4 * kibi,
  maxReferences: kibi,
} satisfies XmlLimits

/** A thousand lifecycle rules, each with a name, a prefix, its actions and a few tags. */
export const lifecycleLimits = {
  ...request,
  maxBytes: 2 * kibi * kibi,
  maxElements: 48 * kibi,
  maxReferences: 16 * kibi,
} satisfies XmlLimits

/** A configuration of a few words, such as CreateBucket's. */
export const configurationLimits = {
  ...request,
  maxBytes: 64 * kibi,
  maxElements: 256,
  maxReferences: kibi,
} satisfies XmlLimits
