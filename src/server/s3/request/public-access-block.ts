/** The document PublicAccessBlockConfiguration of a bucket (AWS, "PutPublicAccessBlock"). */
import { childrenOf, malformed, parseXml } from '../../../protocol/xml.ts'
import { elements, type XmlElements } from './s3-xml.ts'
import { configurationLimits } from './xml-limits.ts'

/** What a bucket does not let its policy and its ACLs give to everybody. All are false where there is none. */
export interface PublicAccessBlock {
  readonly BlockPublicAcls: boolean
  readonly IgnorePublicAcls: boolean
  readonly BlockPublicPolicy: boolean
  readonly RestrictPublicBuckets: boolean
}

const unset: PublicAccessBlock = {
  BlockPublicAcls: false,
  IgnorePublicAcls: false,
  BlockPublicPolicy: false,
  RestrictPublicBuckets: false,
}

/** Reads a document; a setting that it leaves out is false. @throws {AwsError} `MalformedXML`. */
export function readPublicAccessBlock(text: string): PublicAccessBlock {
  const root = parseXml(text, configurationLimits)
  const isKnown = root.children.every(({ name }) => Object.hasOwn(unset, name))
  if (root.name !== 'PublicAccessBlockConfiguration' || !isKnown)
    throw malformed('the body must be a PublicAccessBlockConfiguration')
  const read = (name: keyof PublicAccessBlock): boolean => {
    const [node, ...more] = childrenOf(root, name)
    const value = node?.text.trim().toLowerCase() ?? 'false'
    if (more.length > 0 || (value !== 'true' && value !== 'false'))
      throw malformed(`${name} must be true or false`)
    return value === 'true'
  }
  return {
    BlockPublicAcls: read('BlockPublicAcls'),
    IgnorePublicAcls: read('IgnorePublicAcls'),
    BlockPublicPolicy: read('BlockPublicPolicy'),
    RestrictPublicBuckets: read('RestrictPublicBuckets'),
  }
}

/** Returns the content of a `PublicAccessBlockConfiguration`. */
export function describePublicAccessBlock(block: PublicAccessBlock): XmlElements {
  return elements({ ...block })
}
