import type { Principal } from '../../sessions/principal.ts'
import { elements, type XmlElements } from './s3-xml.ts'

/** The owner of all buckets and objects in lists: S3 requires an ID, and there is one account. */
export const ownerId = 'ef6433a1d22562cec9405ce7e216022749d3d8fef50bf8aaf1aaf0299412d763'

/** Returns the content of `Owner` and `Initiator`. Sessions see the account's name, not root's access key. */
export function describeOwner({ kind, accessKey }: Principal): XmlElements {
  return elements({ ID: ownerId, DisplayName: kind === 'root' ? accessKey : 'sts-cli' })
}
