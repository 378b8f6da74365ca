/**
 * The policy of an upload form: what its signer lets others send.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
import { isObject, parseJsonObject, type JsonObject } from '../../../base/parse.ts'
import { toPrintable } from '../../../base/terminal/printable.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { SizeBounds } from '../body/payload.ts'

interface FieldCondition {
  readonly operator: 'eq' | 'starts-with'
  /** Lower-case. */
  readonly name: string
  readonly value: string
  /** As error messages quote it. */
  readonly written: string
}

export interface PostPolicy {
  readonly expiresAtMs: number
  readonly conditions: readonly FieldCondition[]
  readonly sizes: SizeBounds
}

/** Fields that need no condition: the signature, the policy itself, the file, and those to ignore. */
const exempt = /^(?:x-amz-signature|awsaccesskeyid|signature|policy|file|x-ignore-.*)$/
const secretName = /token|credential|signature/
const maxQuotedChars = 200
/** Forms have a dozen fields; each condition is compared with all of a field. */
const maxConditions = 256

/**
 * Reads the policy from its base64.
 *
 * @throws {AwsError} `InvalidPolicyDocument`, saying what is wrong. Anything unknown is refused, not ignored.
 */
export function readPostPolicy(base64: string): PostPolicy {
  if (base64 === '') throw invalid("Expecting '{' but found End-of-Input")
  const bytes = Buffer.from(base64, 'base64')
  if (!isBase64(base64)) throw invalid('invalid Base64 encoding.')
  const document = parseJsonObject(bytes.toString())
  if (document === undefined) throw invalid('Invalid JSON.')
  const { expiration, conditions: list, ...others } = document
  const expiresAtMs = readExpiration(expiration)
  if (list === undefined) throw invalid('Policy missing conditions.')
  if (!Array.isArray(list)) throw invalid("Invalid 'conditions' value: must be a List.")
  const [other] = Object.keys(others)
  if (other !== undefined) throw invalid(`Unexpected: '${quote(other)}'`)
  const conditions: FieldCondition[] = []
  let sizes: SizeBounds = { minBytes: 0, maxBytes: Number.POSITIVE_INFINITY }
  for (const item of list as unknown[]) {
    const range = readRange(item)
    if (range === undefined) conditions.push(readCondition(item))
    else
      sizes = {
        minBytes: Math.max(sizes.minBytes, range.minBytes),
        maxBytes: Math.min(sizes.maxBytes, range.maxBytes),
      }
  }
  if (conditions.length > maxConditions)
    throw invalid(`it has more than ${maxConditions} conditions`)
  return { expiresAtMs, conditions, sizes }
}

/**
 * Checks the form against its policy, except for the size of the file.
 *
 * @param fields Lower-case name → value, with `bucket` as the request addresses it and `key` with the file's name filled in.
 * @throws {AwsError} `AccessDenied`, naming what failed.
 */
export function checkPostPolicy(
  { expiresAtMs, conditions }: PostPolicy,
  fields: ReadonlyMap<string, string>,
  nowMs: number,
): void {
  if (nowMs >= expiresAtMs) throw denied('Policy expired.')
  const failed = conditions.find((condition) => !holds(condition, fields.get(condition.name)))
  if (failed !== undefined) throw denied(`Policy Condition failed: ${describe(failed)}`)
  const named = new Set(conditions.map(({ name }) => name))
  const extra = [...fields.keys()].find((name) => !named.has(name) && !exempt.test(name))
  if (extra !== undefined) throw denied(`Extra input fields: ${quote(extra)}`)
}

/** A missing field meets no condition, not even an empty prefix. */
function holds({ operator, name, value }: FieldCondition, given: string | undefined): boolean {
  if (given === undefined) return false
  if (operator === 'eq') return given === value
  // Of a list of content types, each must have the prefix (AWS, "Condition matching").
  const items = name === 'content-type' ? given.split(',') : [given]
  return items.every((item) => (items.length > 1 ? item.trim() : item).startsWith(value))
}

/** Reads `["eq", "$key", "a"]`, `["starts-with", "$key", "a"]` and `{"key": "a"}`; operators and names in any case, as S3 does. */
function readCondition(item: unknown): FieldCondition {
  if (isObject(item)) return readSimpleCondition(item)
  const [operator, name, value, ...more] = Array.isArray(item) ? (item as unknown[]) : []
  const lower = typeof operator === 'string' ? operator.toLowerCase() : undefined
  if (!Array.isArray(item)) throw invalid('Invalid condition test: must be a List or Object.')
  if (lower === undefined) throw invalid('Invalid Condition: missing operation identifier.')
  if (lower !== 'eq' && lower !== 'starts-with')
    throw invalid(`Invalid Condition: unknown operation '${quote(String(operator))}'.`)
  if (value === undefined || more.length > 0)
    throw invalid(`Invalid ${lower}: wrong number of arguments.`)
  if (typeof name !== 'string' || typeof value !== 'string') throw invalid('Invalid JSON.')
  const written = JSON.stringify(item)
  // A name without its `$` is that of no field, so that the condition can never hold.
  const field = name.startsWith('$') ? name.slice(1).toLowerCase() : `$${name}`
  return { operator: lower, name: field, value, written }
}

function readSimpleCondition(item: JsonObject): FieldCondition {
  const [[name, value] = ['', undefined], ...more] = Object.entries(item)
  if (name === '' || more.length > 0)
    throw invalid(
      'Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.',
    )
  if (typeof value !== 'string') throw invalid('Invalid Simple-Condition: value must be a string.')
  const written = `["eq", "$${name}", ${JSON.stringify(value)}]`
  return { operator: 'eq', name: name.toLowerCase(), value, written }
}

/** Reads `["content-length-range", 1, 10]`; both ends are allowed. */
function readRange(item: unknown): SizeBounds | undefined {
  const [operator, ...bounds] = Array.isArray(item) ? (item as unknown[]) : []
  if (typeof operator !== 'string' || operator.toLowerCase() !== 'content-length-range')
    return undefined
  if (bounds.length !== 2) throw invalid('Invalid content-length-range: wrong number of arguments.')
  const [minBytes, maxBytes] = bounds.map(readSize)
  if (minBytes === undefined || maxBytes === undefined) throw invalid('Invalid JSON.')
  return { minBytes, maxBytes }
}

/** Some signers write numbers as text. */
function readSize(value: unknown): number | undefined {
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** ISO 8601 in UTC. */
function readExpiration(text: unknown): number {
  if (text === undefined) throw invalid('Policy missing expiration.')
  if (typeof text !== 'string') throw invalid('Invalid JSON.')
  const isSound = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text)
  const expiresAtMs = isSound ? Date.parse(text) : Number.NaN
  if (Number.isNaN(expiresAtMs)) throw invalid(`Invalid 'expiration' value: '${quote(text)}'`)
  return expiresAtMs
}

/** Returns the condition as S3 says it, without secrets: a list as it was written, a pair as the list that it stands for. */
function describe({ operator, name, written }: FieldCondition): string {
  return secretName.test(name) ? `["${operator}", "$${quote(name)}", "…"]` : quote(written)
}

function quote(text: string): string {
  return toPrintable(text, maxQuotedChars)
}

function denied(reason: string): AwsError {
  const message = `Invalid according to Policy: ${reason}`
  return new AwsError('AccessDenied', message, { sentence: message })
}

/** Line ends and missing padding are those of some encoders. */
function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(text)
}

function invalid(reason: string): AwsError {
  const sentence = `Invalid Policy: ${reason}`
  return new AwsError('InvalidPolicyDocument', sentence, { sentence })
}
