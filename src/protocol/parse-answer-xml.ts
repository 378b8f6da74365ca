/**
 * Parses XML answers of other servers: the adapter of fast-xml-parser, with entities off. It accepts what real servers write although XML 1.0
 * forbids it: some answer `&#x1;` for a key with that character. `parseXml` reads what a caller sends.
 */
import { XMLParser } from 'fast-xml-parser'
import { isObject } from '../base/parse.ts'
import { resolveReference, type XmlNode } from './read-xml.ts'
import { malformed } from './xml.ts'

export interface AnswerLimits {
  readonly maxBytes: number
  readonly maxDepth: number
}

/** A list of ten thousand buckets, AWS's default limit of an account, has about half as many tags. The parser cannot stop early. */
const maxTags = 131_072

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  parseTagValue: false,
  trimValues: false,
  processEntities: false,
  removeNSPrefix: true,
  cdataPropName: '#cdata',
  maxNestedTags: 100,
})

/**
 * Parses the answer of a server that we asked. A reference that XML 1.0 forbids is left unresolved.
 *
 * @throws {AwsError} `MalformedXML`: not XML, more than one root, a DOCTYPE (so no custom entities), too long, too deep or too many tags.
 */
export function parseAnswerXml(text: string, limits: AnswerLimits): XmlNode {
  if (Buffer.byteLength(text) > limits.maxBytes)
    throw malformed(`it is longer than ${limits.maxBytes} bytes`)
  if (/<!DOCTYPE|<!ENTITY/i.test(text))
    throw malformed('a document type declaration is not accepted')
  if (hasMoreTags(text, maxTags)) throw malformed(`it has more than ${maxTags} tags`)
  let parsed: unknown
  try {
    parsed = parser.parse(text, true)
  } catch (cause) {
    throw malformed('it cannot be parsed', cause)
  }
  const roots = toNodes(parsed, limits.maxDepth)
  const [root] = roots
  if (root === undefined || roots.length !== 1) throw malformed('it must have one root element')
  return root
}

function hasMoreTags(text: string, most: number): boolean {
  let count = 0
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at + 1)) {
    count += 1
    if (count > most) return true
  }
  return false
}

/** Recurses no deeper than the parser, which has its own limit. */
function toNodes(parsed: unknown, depthLeft: number): XmlNode[] {
  if (!Array.isArray(parsed)) return []
  return parsed.flatMap((entry: unknown): XmlNode[] => {
    if (!isObject(entry)) return []
    const name = Object.keys(entry).find((key) => key !== ':@')
    if (name === undefined || name === '#text' || name === '#cdata') return []
    if (depthLeft === 0) throw malformed('it is nested too deep')
    const content = entry[name]
    return [{ name, text: textOf(content), children: toNodes(content, depthLeft - 1) }]
  })
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return ''
  let text = ''
  for (const entry of content) {
    if (!isObject(entry)) continue
    if (typeof entry['#text'] === 'string') text += decodeReferences(entry['#text'])
    // Inside a CDATA section `&amp;` is five characters.
    const [literal] = Array.isArray(entry['#cdata']) ? entry['#cdata'] : []
    if (isObject(literal) && typeof literal['#text'] === 'string') text += literal['#text']
  }
  return text
}

function decodeReferences(text: string): string {
  if (!text.includes('&')) return text
  return text.replaceAll(
    /&([#\w]{1,10});/g,
    (whole, name: string) => resolveReference(name) ?? whole,
  )
}
