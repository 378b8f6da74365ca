/** Reads the fields of a document's elements strictly: what is not known would not be done. */
import { childrenOf, malformed, type XmlNode } from '../../../protocol/xml.ts'

/** Refuses elements besides the named ones. @throws {AwsError} `MalformedXML`. */
export function requireOnly(node: XmlNode, names: readonly string[]): void {
  const other = node.children.find(({ name }) => !names.includes(name))
  if (other !== undefined)
    throw malformed(`${node.name} has the unknown element ${other.name.slice(0, 100)}`)
}

/** Returns the trimmed text of a child that may be there once; undefined without one. @throws {AwsError} `MalformedXML`. */
export function textOf(node: XmlNode, name: string): string | undefined {
  return plainTextOf(node, name)?.trim()
}

/** Returns the text of a child as it stands, for keys and tags, whose spaces count. @throws {AwsError} `MalformedXML`. */
export function plainTextOf(node: XmlNode, name: string): string | undefined {
  const [child, ...more] = childrenOf(node, name)
  if (more.length > 0) throw malformed(`${node.name} has ${name} twice`)
  if (child !== undefined && child.children.length > 0) throw malformed(`${name} must be a text`)
  return child?.text
}

/** Returns the whole number in a child, up to 15 digits; undefined without one. @throws {AwsError} `MalformedXML`. */
export function wholeNumber(node: XmlNode, name: string): number | undefined {
  const text = textOf(node, name)
  if (text === undefined) return undefined
  if (/^-?\d{1,15}$/.test(text)) return Number(text)
  throw malformed(`${name} must be a whole number`)
}
