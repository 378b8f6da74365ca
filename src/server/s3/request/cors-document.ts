/** The CORSConfiguration document of a bucket (AWS, "PutBucketCors" and "Elements of a CORS configuration"). */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childrenOf, malformed, parseXml, type XmlNode } from '../../../protocol/xml.ts'
import type { CorsRule } from '../../http/cors-rules.ts'
import { elements, join, type XmlElements } from './s3-xml.ts'
import { corsLimits } from './xml-limits.ts'

const maxRules = 100
const maxIdLength = 255
const methods: ReadonlySet<string> = new Set(['GET', 'PUT', 'POST', 'DELETE', 'HEAD'])
const fields: ReadonlySet<string> = new Set(
  'ID AllowedOrigin AllowedMethod AllowedHeader ExposeHeader MaxAgeSeconds'.split(' '),
)
/** A header's name (RFC 9110 §5.6.2): what is exposed goes into the headers of answers. */
const token = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

/** Reads a document. @throws {AwsError} `MalformedXML`; `InvalidRequest` with AWS's sentence for a value that is not allowed. */
export function readCorsRules(text: string): CorsRule[] {
  const root = parseXml(text, corsLimits)
  if (root.name !== 'CORSConfiguration' || root.children.length === 0)
    throw malformed('the body must be a CORSConfiguration with rules')
  if (root.children.length > maxRules)
    throw invalid(`The number of CORS rules should not exceed allowed limit of ${maxRules} rules.`)
  return root.children.map(readRule)
}

/** Returns the content of a `CORSConfiguration`. */
export function describeCorsRules(rules: readonly CorsRule[]): XmlElements {
  return join(
    rules.map((rule) =>
      elements({
        CORSRule: join([
          elements({ ID: rule.id }),
          repeat('AllowedOrigin', rule.allowedOrigins),
          repeat('AllowedMethod', rule.allowedMethods),
          repeat('AllowedHeader', rule.allowedHeaders),
          elements({ MaxAgeSeconds: rule.maxAgeSeconds }),
          repeat('ExposeHeader', rule.exposeHeaders),
        ]),
      }),
    ),
  )
}

function readRule(node: XmlNode): CorsRule {
  const other = node.children.find(({ name }) => !fields.has(name))
  if (node.name !== 'CORSRule' || other !== undefined)
    throw malformed('a rule has an element that CORS rules do not have')
  const [id, ...moreIds] = valuesOf(node, 'ID')
  const [age, ...moreAges] = valuesOf(node, 'MaxAgeSeconds')
  const rule = {
    id,
    allowedOrigins: valuesOf(node, 'AllowedOrigin'),
    allowedMethods: valuesOf(node, 'AllowedMethod'),
    allowedHeaders: valuesOf(node, 'AllowedHeader'),
    exposeHeaders: valuesOf(node, 'ExposeHeader'),
    maxAgeSeconds: age === undefined ? undefined : Number(age),
  }
  if (rule.allowedOrigins.length === 0 || rule.allowedMethods.length === 0)
    throw malformed('each rule must have an AllowedOrigin and an AllowedMethod')
  if (moreIds.length > 0 || moreAges.length > 0 || !/^\d{0,9}$/.test(age ?? ''))
    throw malformed('a rule has at most one ID and one MaxAgeSeconds, a whole number')
  if ((id ?? '').length > maxIdLength)
    throw invalid(`The ID of a CORS rule must not be longer than ${maxIdLength} characters.`)
  checkValues(rule)
  return rule
}

/** @throws {AwsError} `InvalidRequest`. */
function checkValues(rule: CorsRule): void {
  const method = rule.allowedMethods.find((name) => !methods.has(name))
  if (method !== undefined)
    throw invalid(
      `Found unsupported HTTP method in CORS config. Unsupported method is ${method.slice(0, 100)}`,
    )
  for (const origin of rule.allowedOrigins) {
    checkStars('AllowedOrigin', origin)
    if (!/^[!-~]+$/.test(origin)) throw invalid(`AllowedOrigin ${quote(origin)} is not an origin.`)
  }
  for (const name of rule.allowedHeaders) {
    checkStars('AllowedHeader', name)
    if (!token.test(name)) throw invalid(`AllowedHeader ${quote(name)} is not a header name.`)
  }
  for (const name of rule.exposeHeaders) {
    if (name.includes('*'))
      throw invalid(
        `ExposeHeader ${quote(name)} contains wildcard. We currently do not support wildcard for ExposeHeader.`,
      )
    if (!token.test(name)) throw invalid(`ExposeHeader ${quote(name)} is not a header name.`)
  }
}

function checkStars(element: string, value: string): void {
  if (value.split('*').length > 2)
    throw invalid(`${element} ${quote(value)} can not have more than one wildcard.`)
}

function valuesOf(node: XmlNode, name: string): string[] {
  return childrenOf(node, name).map((child) => {
    if (child.children.length > 0) throw malformed(`${name} must be a text`)
    return child.text.trim()
  })
}

function repeat(name: string, values: readonly string[]): XmlElements {
  return join(values.map((value) => elements({ [name]: value })))
}

function quote(value: string): string {
  return JSON.stringify(value.slice(0, 200))
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidRequest', message)
}
