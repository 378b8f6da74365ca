/** Writes S3's answers as XML. */
import { escapeXml } from '../../../protocol/xml.ts'
import type { HttpReply } from '../../http/http-message.ts'

const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** Content of an element: a value, which is escaped, or other elements; undefined omits the element. */
export type XmlValue = string | number | boolean | XmlElements | undefined

/** Escaped elements. A separate class, so that plain text cannot be mistaken for them. */
export class XmlElements {
  readonly xml: string

  constructor(xml: string) {
    this.xml = xml
  }
}

/** Returns elements in the given order. */
export function elements(fields: Readonly<Record<string, XmlValue>>): XmlElements {
  return new XmlElements(
    Object.entries(fields)
      .map(([name, value]) => element(name, value))
      .join(''),
  )
}

/** Joins lists of elements, for elements that repeat. */
export function join(parts: readonly XmlElements[]): XmlElements {
  return new XmlElements(parts.map((part) => part.xml).join(''))
}

/** Returns a 200 answer with an XML document. */
export function xmlReply(
  root: string,
  content: XmlElements,
  headers: Readonly<Record<string, string>> = {},
): HttpReply {
  return {
    status: 200,
    headers: { 'content-type': 'application/xml', ...headers },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<${root} xmlns="${namespace}">${content.xml}</${root}>`,
  }
}

/** Returns an instant as S3 writes it: ISO 8601 in UTC with milliseconds. */
export function xmlDate(instantMs: number): string {
  return new Date(instantMs).toISOString()
}

function element(name: string, value: XmlValue): string {
  if (value === undefined) return ''
  const content = value instanceof XmlElements ? value.xml : escapeXml(String(value))
  return `<${name}>${content}</${name}>`
}
