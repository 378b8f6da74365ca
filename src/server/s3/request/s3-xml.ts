/** S3's answers as XML text. */
import { escapeXml } from '../../../protocol/xml.ts'
import type { HttpReply } from '../../http/http-message.ts'

const namespace = 'http://s3.amazonaws.com/doc/2006-03-01/'

/** Escaped text, or elements already written; undefined leaves the element out. */
export type XmlValue = string | number | boolean | XmlElements | undefined

/** Elements already escaped. A class of its own, so that text cannot be taken for it. */
export class XmlElements {
  readonly xml: string

  constructor(xml: string) {
    this.xml = xml
  }
}

/** Elements in the order given. */
export function elements(fields: Readonly<Record<string, XmlValue>>): XmlElements {
  return new XmlElements(
    Object.entries(fields)
      .map(([name, value]) => element(name, value))
      .join(''),
  )
}

/** Sets of elements one after the other: for those that repeat. */
export function join(parts: readonly XmlElements[]): XmlElements {
  return new XmlElements(parts.map((part) => part.xml).join(''))
}

/** A 200 answer with one document. */
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

/** An instant as S3 writes it: UTC with milliseconds. */
export function xmlDate(instantMs: number): string {
  return new Date(instantMs).toISOString()
}

function element(name: string, value: XmlValue): string {
  if (value === undefined) return ''
  const content = value instanceof XmlElements ? value.xml : escapeXml(String(value))
  return `<${name}>${content}</${name}>`
}
