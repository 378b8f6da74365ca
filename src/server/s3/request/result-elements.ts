/** Elements that several XML results share. */
import type { ContentFacts } from '../body/object-content.ts'
import type { ObjectInfo } from './object-store.ts'
import { elements, xmlDate, type XmlElements } from './s3-xml.ts'

/** Returns the elements of a copy's result: modification time, ETag and checksum. */
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

/** Returns the checksum's elements, such as `ChecksumCRC32`, and `ChecksumType`; none if there is no checksum. */
export function checksumElements({
  checksum,
}: Pick<ContentFacts, 'checksum'>): Record<string, string> {
  if (!checksum) return {}
  return { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type }
}
