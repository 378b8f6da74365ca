/**
 * Parses the JSON answers of AWS's STS, which it sends to clients whose `Accept` prefers JSON (`application/json`). They have the members of the
 * XML documents, so that one decoder reads both: `{"GetCallerIdentityResponse":{"GetCallerIdentityResult":{…},"ResponseMetadata":{…}}}` and
 * `{"Error":{"Code":…,"Message":…,"Type":"Sender"},"RequestId":…}`.
 */
import { isObject, parseJsonObject, type JsonObject } from '../base/parse.ts'
import type { XmlNode } from './read-xml.ts'

/** STS documents are four deep. */
const maxDepth = 8

/**
 * Returns the document as a tree of elements; undefined where the text is not such a JSON document.
 *
 * @param limits.maxBytes A longer text is not parsed.
 */
export function parseAnswerJson(
  text: string,
  { maxBytes }: { readonly maxBytes: number },
): XmlNode | undefined {
  if (!text.trimStart().startsWith('{') || Buffer.byteLength(text) > maxBytes) return undefined
  const json = parseJsonObject(text)
  if (json === undefined) return undefined
  if (isObject(json['Error'])) return toNode('ErrorResponse', json, maxDepth)
  const [name = '', ...more] = Object.keys(json)
  const document = json[name]
  if (more.length > 0 || !name.endsWith('Response') || !isObject(document)) return undefined
  return toNode(name, document, maxDepth)
}

function toNode(name: string, value: JsonObject, depthLeft: number): XmlNode {
  if (depthLeft === 0) return { name, text: '', children: [] }
  const children = Object.entries(value).flatMap(([key, member]): XmlNode[] => {
    if (isObject(member)) return [toNode(key, member, depthLeft - 1)]
    const text = toText(key, member)
    return text === undefined ? [] : [{ name: key, text, children: [] }]
  })
  return { name, text: '', children }
}

/** Returns a member as XML writes it. A time is a number of seconds in AWS's JSON; null and lists are left out: no member that is read is a list. */
function toText(name: string, value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value !== 'number') return undefined
  if (name !== 'Expiration') return String(value)
  const time = new Date(value * 1000)
  return Number.isNaN(time.getTime()) ? '' : time.toISOString()
}
