/** Elements that several XML results share. */
import type { ContentFacts } from '../body/object-content.ts'
import type { ObjectInfo } from './object-store.ts'
import { elements, xmlDate, type XmlElements } from './s3-xml.ts'

/** Content, ETag and checksum of a result element. */
export function describeCopy(made: {
  lastModifiedMs: number
  etag: string
  checksum?: ObjectInfo['checksum']
}): XmlElements {
  return elements({
    LastModified: xmlDate(made.lastModifiedMs),
    ETag: `"${made.etag}"`,
    ...checksumElements(made),
  })
}

/** `ChecksumCRC32` and its like, with `ChecksumType`. */
export function checksumElements({
  checksum,
}: Pick<ContentFacts, 'checksum'>): Record<string, string> {
  if (!checksum) return {}
  return { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type }
}
