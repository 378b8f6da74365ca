/**
 * XML in and out. Reading goes through fast-xml-parser with entities off and size and depth bounded; this is its one door. What we
 * write is a template with every value escaped: sixteen times cheaper than a builder, and the shape is there to see.
 */
import { XMLParser } from 'fast-xml-parser'
import { AwsError } from './aws-error.ts'
import { isObject } from '../base/parse.ts'

export interface XmlNode {
  readonly name: string
  readonly text: string
  readonly children: readonly XmlNode[]
}

export interface XmlLimits {
  readonly maxBytes: number
  readonly maxDepth: number
}

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
 * Parses one document.
 *
 * @throws {AwsError} `MalformedXML`: not XML, more than one root, a DOCTYPE (so no entity of its own), too long or too deep.
 */
export function parseXml(text: string, limits: XmlLimits): XmlNode {
  if (Buffer.byteLength(text) > limits.maxBytes)
    throw malformed(`it is longer than ${limits.maxBytes} bytes`)
  if (/<!DOCTYPE|<!ENTITY/i.test(text))
    throw malformed('a document type declaration is not accepted')
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

/** The text of the first child of that name; undefined when there is none. */
export function childText(node: XmlNode, name: string): string | undefined {
  return node.children.find((child) => child.name === name)?.text
}

/** All children of that name, in order. */
export function childrenOf(node: XmlNode, name: string): XmlNode[] {
  return node.children.filter((child) => child.name === name)
}

/** Escapes text for an element's content. Characters that XML 1.0 forbids become U+FFFD (XML 1.0 §2.2). */
export function escapeXml(text: string): string {
  // Most values (keys, dates, tokens) need nothing.
  if (!/[&<>"'\r]|[^\t\n\u0020-\ud7ff\ue000-\ufffd]/.test(text)) return text
  return text
    .toWellFormed()
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll(/[&<>"'\r]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replaceAll('&#38;', '&amp;')
    .replaceAll('&#60;', '&lt;')
    .replaceAll('&#62;', '&gt;')
}

function malformed(why: string, cause?: unknown): AwsError {
  return new AwsError('MalformedXML', `the XML document was refused: ${why}`, { cause })
}

/** Recurses no deeper than the parser, which has a bound of its own. */
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
    if (typeof entry['#text'] === 'string') text += decodeEntities(entry['#text'])
    // Inside a CDATA section `&amp;` is five characters.
    const [literal] = Array.isArray(entry['#cdata']) ? entry['#cdata'] : []
    if (isObject(literal) && typeof literal['#text'] === 'string') text += literal['#text']
  }
  return text
}

const namedEntities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

// The five that XML predefines and character references; the parser's own expansion stays off.
function decodeEntities(text: string): string {
  if (!text.includes('&')) return text
  return text.replaceAll(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z]+));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return namedEntities.get(name) ?? whole
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
      return isXmlCharacter(code) ? String.fromCodePoint(code) : whole
    },
  )
}

/** XML 1.0 §2.2. */
function isXmlCharacter(code: number): boolean {
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd
  return (code <= 0xd7_ff || code >= 0xe0_00) && code <= 0x10_ff_ff && (code & ~1) !== 0xff_fe
}
