/** Object ownership: whether a bucket has ACLs (Amazon S3 User Guide, "Controlling ownership of objects and disabling ACLs for your bucket"). */
import { childrenOf, childText, malformed, parseXml } from '../../../protocol/xml.ts'
import { elements, type XmlElements } from './s3-xml.ts'
import { configurationLimits } from './xml-limits.ts'

const ownerships = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const

/** `BucketOwnerEnforced` switches ACLs off; the other two leave them on. All objects belong to one account here. */
export type ObjectOwnership = (typeof ownerships)[number]

/** Returns the ownership of that name; undefined for another text. */
export function findOwnership(text: string): ObjectOwnership | undefined {
  return ownerships.find((name) => name === text)
}

/** Reads an `OwnershipControls` document with its one rule (AWS, "PutBucketOwnershipControls"). @throws {AwsError} `MalformedXML`. */
export function readOwnershipControls(text: string): ObjectOwnership {
  const root = parseXml(text, configurationLimits)
  const rules = childrenOf(root, 'Rule')
  const [rule] = rules
  const isSound = rules.length === 1 && root.children.length === 1 && rule?.children.length === 1
  const ownership = rule && findOwnership(childText(rule, 'ObjectOwnership')?.trim() ?? '')
  if (root.name !== 'OwnershipControls' || !isSound || ownership === undefined)
    throw malformed(
      `the body must be OwnershipControls with one Rule, whose ObjectOwnership is one of ${ownerships.join(', ')}`,
    )
  return ownership
}

/** Returns the content of `OwnershipControls`. */
export function describeOwnershipControls(ownership: ObjectOwnership): XmlElements {
  return elements({ Rule: elements({ ObjectOwnership: ownership }) })
}
