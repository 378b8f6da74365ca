/** The document `Tagging`, of an object or of a bucket. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childrenOf, childText, parseXml } from '../../../protocol/xml.ts'
import { elements, join, type XmlElements } from './s3-xml.ts'
import { taggingLimits } from './xml-limits.ts'

/** Reads the tags of a `Tagging` document in their order, not yet checked. @throws {AwsError} `MalformedXML`. */
export function readTagSet(text: string): [name: string, value: string][] {
  const root = parseXml(text, taggingLimits)
  const [tagSet] = childrenOf(root, 'TagSet')
  if (root.name !== 'Tagging' || tagSet === undefined)
    throw new AwsError('MalformedXML', 'the body must be a Tagging with a TagSet')
  return childrenOf(tagSet, 'Tag').map((tag) => {
    const name = childText(tag, 'Key')
    if (name === undefined) throw new AwsError('MalformedXML', 'a Tag has no Key')
    return [name, childText(tag, 'Value') ?? '']
  })
}

/** Returns the content of `Tagging`. */
export function describeTagSet(tags: Readonly<Record<string, string>>): XmlElements {
  const items = Object.entries(tags).map(([Key, Value]) => {
    return elements({ Tag: elements({ Key, Value }) })
  })
  return elements({ TagSet: join(items) })
}
