/**
 * The policy of an upload form: what its signer lets others send.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
import { isObject, parseJsonObject, readString } from '../../../base/parse.ts'
import { toPrintable } from '../../../base/terminal/printable.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { SizeBounds } from '../body/payload.ts'

interface FieldCondition {
  readonly operator: 'eq' | 'starts-with'
  /** Lower-case. */
  readonly name: string
  readonly value: string
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
  const document = parseJsonObject(Buffer.from(base64, 'base64').toString())
  if (document === undefined) throw invalid('it is not base64 of a JSON object')
  const { expiration: _expiration, conditions: _conditions, ...others } = document
  const [other] = Object.keys(others)
  if (other !== undefined) throw invalid(`it has the unknown member ${quote(other)}`)
  const list: unknown = document['conditions']
  if (!Array.isArray(list)) throw invalid('it has no list of conditions')
  const conditions: FieldCondition[] = []
  let sizes: SizeBounds = { minBytes: 0, maxBytes: Number.POSITIVE_INFINITY }
  for (const item of list as unknown[]) {
    const range = readRange(item)
    if (range === undefined) conditions.push(...readConditions(item))
    else
      sizes = {
        minBytes: Math.max(sizes.minBytes, range.minBytes),
        maxBytes: Math.min(sizes.maxBytes, range.maxBytes),
      }
  }
  if (conditions.length > maxConditions)
    throw invalid(`it has more than ${maxConditions} conditions`)
  return { expiresAtMs: readExpiration(readString(document, 'expiration')), conditions, sizes }
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
  if (nowMs >= expiresAtMs) throw denied('Policy expired')
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

/** Reads `["eq", "$key", "a"]`, `["starts-with", "$key", "a"]` and `{"key": "a"}`. */
function readConditions(item: unknown): FieldCondition[] {
  if (isObject(item)) {
    return Object.entries(item).map(([name, value]) => {
      if (typeof value !== 'string') throw invalid(`the value of ${quote(name)} is not a text`)
      return { operator: 'eq', name: name.toLowerCase(), value }
    })
  }
  const [operator, name, value, ...more] = Array.isArray(item) ? (item as unknown[]) : []
  const isText = typeof name === 'string' && name.startsWith('$') && typeof value === 'string'
  if (!isText || more.length > 0)
    throw invalid('a condition is neither an object nor a list of three')
  if (operator !== 'eq' && operator !== 'starts-with')
    throw invalid('a condition has an operator besides eq, starts-with and content-length-range')
  return [{ operator, name: name.slice(1).toLowerCase(), value }]
}

/** Reads `["content-length-range", 1, 10]`; both ends are allowed. */
function readRange(item: unknown): SizeBounds | undefined {
  if (!Array.isArray(item) || item[0] !== 'content-length-range') return undefined
  const [minBytes, maxBytes] = (item as unknown[]).slice(1).map(readSize)
  if (item.length !== 3 || minBytes === undefined || maxBytes === undefined)
    throw invalid('content-length-range needs two numbers of bytes')
  return { minBytes, maxBytes }
}

/** Some signers write numbers as text. */
function readSize(value: unknown): number | undefined {
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** ISO 8601 in UTC. */
function readExpiration(text: string | undefined): number {
  const isSound = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text ?? '')
  const expiresAtMs = isSound ? Date.parse(text ?? '') : Number.NaN
  if (Number.isNaN(expiresAtMs))
    throw invalid('its expiration is no time like 2026-01-31T12:00:00Z')
  return expiresAtMs
}

/** Quotes a condition as S3 does, without secrets. */
function describe({ operator, name, value }: FieldCondition): string {
  const shown = secretName.test(name) ? '…' : quote(value)
  return `["${operator}", "$${quote(name)}", "${shown}"]`
}

function quote(text: string): string {
  return toPrintable(text, maxQuotedChars)
}

function denied(reason: string): AwsError {
  const message = `Invalid according to Policy: ${reason}`
  return new AwsError('AccessDenied', message, { sentence: message })
}

function invalid(reason: string): AwsError {
  return new AwsError('InvalidPolicyDocument', `the policy of the form is not valid: ${reason}`)
}
