import { canonicalUserId } from '../../identity/account.ts'
import type { Principal } from '../../sessions/principal.ts'
import { elements, type XmlElements } from './s3-xml.ts'

/** The owner of all buckets and objects. */
export const ownerId = canonicalUserId

/** Returns the content of `Owner` and `Initiator`. Sessions see the account's name, not root's access key. */
export function describeOwner({ kind, accessKey }: Principal): XmlElements {
  return elements({ ID: ownerId, DisplayName: kind === 'root' ? accessKey : 'sts-cli' })
}
