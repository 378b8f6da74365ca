/**
 * Parses the XML of STS and S3: elements, text, CDATA, comments and the five predefined entities, no document types. It counts while it
 * reads, stops at a limit, and looks at each character a fixed number of times, so that the cost is linear in the length.
 */

/** An element during parsing, and then the result. */
export interface XmlNode {
  readonly name: string
  readonly text: string
  readonly children: readonly XmlNode[]
}

export interface ReadLimits {
  readonly maxDepth: number
  /** Limits elements, comments, CDATA sections and processing instructions together. */
  readonly maxElements: number
  /** Limits references such as `&amp;` and `&#65;`. */
  readonly maxReferences: number
}

/** The reason why a document was refused. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
  /** True when the message contains nothing of the document. */
  readonly isPlain: boolean

  constructor(message: string, { isPlain = true } = {}) {
    super(message)
    this.isPlain = isPlain
  }
}

const quoting = { isPlain: false }

interface OpenNode {
  readonly rawName: string
  readonly name: string
  text: string
  readonly children: XmlNode[]
}

const maxAttributes = 64
/** Names by XML 1.0 §2.3, with all non-ASCII characters that names may have and some that they may not. */
const nameToken =
  /[A-Za-z_\u0080-\uffff][\w.\u0080-\uffff-]*(?::[A-Za-z_\u0080-\uffff][\w.\u0080-\uffff-]*)?/y
const attributeToken = /[ \t\r\n]+([^\s=<>"'/&]+)[ \t\r\n]*=[ \t\r\n]*(?:"([^"<]*)"|'([^'<]*)')/y
const tagEndToken = /[ \t\r\n]*(\/?)>/y
/** `#x` or `#` with as many digits as a character can need, and some zeros. */
const numberToken = /^#(?:x([0-9A-Fa-f]{1,8})|(\d{1,8}))$/
const maxReferenceChars = 12
/** Matches candidates for a check: a character that XML forbids, or half of a surrogate pair. */
const unusualCharacter = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd]/
/** The inverse of XML 1.0 §2.2. */
const forbiddenCharacter = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u
const dangerousNames = new Set(['__proto__', 'constructor', 'prototype'])
const namedEntities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/** Returns the root element of a document. @throws {XmlError} When it is not well-formed, or exceeds a limit. */
export function readXml(text: string, limits: ReadLimits): XmlNode {
  return new XmlReader(text, limits).read()
}

class XmlReader {
  private at: number
  private elements = 0
  private references = 0
  private root: XmlNode | undefined
  private readonly open: OpenNode[] = []
  private readonly text: string
  private readonly limits: ReadLimits

  constructor(text: string, limits: ReadLimits) {
    this.text = text
    this.limits = limits
    this.at = text.startsWith('\ufeff') ? 1 : 0
  }

  read(): XmlNode {
    if (unusualCharacter.test(this.text) && forbiddenCharacter.test(this.text))
      throw new XmlError('it has a character that XML 1.0 forbids')
    const start = this.at
    for (;;) {
      const next = this.text.indexOf('<', this.at)
      this.addText(this.text.slice(this.at, next === -1 ? undefined : next))
      if (next === -1) break
      this.at = next
      this.readMarkup(start)
    }
    if (this.root === undefined || this.open.length > 0)
      throw new XmlError(`the element ${this.open.at(-1)?.rawName ?? ''} is not closed`, quoting)
    return this.root
  }

  private readMarkup(start: number): void {
    switch (this.text[this.at + 1]) {
      case '/':
        return this.closeElement()
      case '?':
        return this.skipInstruction(start)
      case '!':
        if (this.text.startsWith('<!--', this.at)) return void this.skipPast('-->', 4)
        if (this.text.startsWith('<![CDATA[', this.at)) return this.addSection()
        throw new XmlError('a document type declaration is not accepted')
      default:
        return this.openElement()
    }
  }

  private addText(raw: string): void {
    if (raw === '') return
    const node = this.open.at(-1)
    if (node === undefined) {
      if (/[^ \t\r\n]/.test(raw)) throw new XmlError('it has text outside of the root element')
      return
    }
    node.text += this.decode(normalizeLines(raw))
  }

  private addSection(): void {
    const node = this.open.at(-1)
    if (node === undefined) throw new XmlError('it has a CDATA section outside of the root element')
    // Inside a CDATA section `&amp;` is five characters.
    node.text += normalizeLines(this.skipPast(']]>', 9))
  }

  /** A declaration must come first (XML 1.0 §2.6, §2.8). */
  private skipInstruction(start: number): void {
    const isFirst = this.at === start
    if (!isFirst && /^xml[\s?]/i.test(this.text.slice(this.at + 2, this.at + 6)))
      throw new XmlError('its XML declaration is not at the beginning')
    this.skipPast('?>', 2)
  }

  /** @returns The text before the end. */
  private skipPast(end: string, openingLength: number): string {
    const from = this.at + openingLength
    const found = this.text.indexOf(end, from)
    if (found === -1) throw new XmlError(`${end} is missing`)
    this.countElement()
    this.at = found + end.length
    return this.text.slice(from, found)
  }

  private openElement(): void {
    this.at += 1
    const [rawName] = this.expect(nameToken, 'a name')
    if (this.open.length === 0 && this.root !== undefined)
      throw new XmlError('it has more than one root element')
    if (this.open.length >= this.limits.maxDepth) throw new XmlError('it is nested too deep')
    this.countElement()
    const slash = this.readTagEnd()
    const name = rawName.slice(rawName.indexOf(':') + 1)
    if (dangerousNames.has(name)) throw new XmlError(`an element has the name ${name}`, quoting)
    const node: OpenNode = { rawName, name, text: '', children: [] }
    if (slash === '') this.open.push(node)
    else this.keep(node)
  }

  /** @returns `/` for an element without content. */
  private readTagEnd(): string {
    if (this.text[this.at] === '>') {
      this.at += 1
      return ''
    }
    this.skipAttributes()
    return this.expect(tagEndToken, 'the end of a tag')[1] ?? ''
  }

  /** Attributes are ignored here, but they must be well-formed. */
  private skipAttributes(): void {
    let names: Set<string> | undefined
    for (;;) {
      const match = this.take(attributeToken)
      if (match === undefined) return
      names ??= new Set()
      const [, name = '', inDouble, inSingle = ''] = match
      if (names.has(name)) throw new XmlError(`the attribute ${name} is there twice`, quoting)
      names.add(name)
      if (names.size > maxAttributes)
        throw new XmlError(`an element has more than ${maxAttributes} attributes`)
      this.decode(inDouble ?? inSingle)
    }
  }

  private closeElement(): void {
    const node = this.open.pop()
    const from = this.at + 2
    if (node === undefined || !this.text.startsWith(node.rawName, from))
      throw new XmlError('a closing tag closes nothing')
    this.at = from + node.rawName.length
    if (this.expect(tagEndToken, 'the end of a tag')[1] !== '')
      throw new XmlError('a closing tag closes itself')
    this.keep(node)
  }

  private keep({ name, text, children }: OpenNode): void {
    const node = { name, text, children }
    const parent = this.open.at(-1)
    if (parent === undefined) this.root = node
    else parent.children.push(node)
  }

  private countElement(): void {
    this.elements += 1
    if (this.elements > this.limits.maxElements)
      throw new XmlError(`it has more than ${this.limits.maxElements} elements`)
  }

  private expect(token: RegExp, what: string): RegExpExecArray {
    const match = this.take(token)
    if (match === undefined) throw new XmlError(`${what} is missing`)
    return match
  }

  private take(token: RegExp): RegExpExecArray | undefined {
    token.lastIndex = this.at
    const match = token.exec(this.text)
    if (match === null) return undefined
    this.at = token.lastIndex
    return match
  }

  private decode(raw: string): string {
    let decoded = ''
    let from = 0
    for (let at = raw.indexOf('&'); at !== -1; at = raw.indexOf('&', from)) {
      this.references += 1
      if (this.references > this.limits.maxReferences)
        throw new XmlError(`it has more than ${this.limits.maxReferences} character references`)
      const end = findReferenceEnd(raw, at)
      const character = end === -1 ? undefined : resolveReference(raw.slice(at + 1, end))
      if (character === undefined)
        throw new XmlError('it refers to a character or an entity that XML 1.0 does not have')
      decoded += raw.slice(from, at) + character
      from = end + 1
    }
    return from === 0 ? raw : decoded + raw.slice(from)
  }
}

/** Normalizes line ends (XML 1.0 §2.11). */
function normalizeLines(raw: string): string {
  return raw.includes('\r') ? raw.replaceAll(/\r\n?/g, '\n') : raw
}

/** Returns the index of the semicolon; -1 when it is not near. */
function findReferenceEnd(raw: string, at: number): number {
  const last = Math.min(raw.length, at + maxReferenceChars)
  for (let end = at + 1; end < last; end += 1) if (raw[end] === ';') return end
  return -1
}

/** Returns the character of a reference without `&` and `;`; undefined for one that XML 1.0 does not have. */
export function resolveReference(name: string): string | undefined {
  const known = namedEntities.get(name)
  if (known !== undefined) return known
  const [, hex, decimal] = numberToken.exec(name) ?? []
  if (hex === undefined && decimal === undefined) return undefined
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
  if (code > 0x10_ff_ff) return undefined
  const character = String.fromCodePoint(code)
  return forbiddenCharacter.test(character) ? undefined : character
}
