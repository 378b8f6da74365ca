/** The ObjectLockConfiguration of a bucket (AWS, "PutObjectLockConfiguration"), and the documents of a version's lock. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childrenOf, malformed, parseXml, type XmlNode } from '../../../protocol/xml.ts'
import type { Retention, RetentionMode } from './object-lock.ts'
import type { ObjectStore } from './object-store.ts'
import { elements, type XmlElements } from './s3-xml.ts'
import { requireOnly, textOf, wholeNumber } from './xml-fields.ts'
import { configurationLimits } from './xml-limits.ts'

const dayMs = 24 * 60 * 60 * 1000
const maxDays = 36_500
const maxYears = 100
const modes: readonly RetentionMode[] = ['GOVERNANCE', 'COMPLIANCE']

/** The retention that new versions get, if their request names none: either days or years. */
export interface DefaultRetention {
  readonly mode: RetentionMode
  readonly days?: number | undefined
  readonly years?: number | undefined
}

/** The lock of a bucket, which stays enabled for ever. */
export interface BucketLock {
  readonly defaultRetention?: DefaultRetention | undefined
}

/** Reads an `ObjectLockConfiguration`. @throws {AwsError} `MalformedXML`; `InvalidRetentionPeriod` for a period that is not allowed. */
export function readBucketLock(text: string): BucketLock {
  const root = parseXml(text, configurationLimits)
  if (root.name !== 'ObjectLockConfiguration')
    throw malformed('the body must be an ObjectLockConfiguration')
  requireOnly(root, ['ObjectLockEnabled', 'Rule'])
  if (textOf(root, 'ObjectLockEnabled') !== 'Enabled')
    throw malformed('ObjectLockEnabled must be Enabled')
  const [rule, ...more] = childrenOf(root, 'Rule')
  if (more.length > 0) throw malformed('there can be one Rule')
  if (rule === undefined) return {}
  requireOnly(rule, ['DefaultRetention'])
  const [retention, ...others] = childrenOf(rule, 'DefaultRetention')
  if (retention === undefined || others.length > 0)
    throw malformed('a Rule must have one DefaultRetention')
  return { defaultRetention: readDefault(retention) }
}

/** Returns the content of an `ObjectLockConfiguration`. */
export function describeBucketLock({ defaultRetention }: BucketLock): XmlElements {
  const { mode: Mode, days: Days, years: Years } = defaultRetention ?? {}
  const retention = elements({ DefaultRetention: elements({ Mode, Days, Years }) })
  return elements({
    ObjectLockEnabled: 'Enabled',
    Rule: defaultRetention && retention,
  })
}

/** Returns the lock of a bucket; undefined if it has none. @throws {AwsError} `NoSuchBucket`. */
export async function findBucketLock(
  objects: Pick<ObjectStore, 'readBucketDocument'>,
  bucket: string,
): Promise<BucketLock | undefined> {
  const text = await objects.readBucketDocument(bucket, 'object-lock')
  return text === undefined ? undefined : readBucketLock(text)
}

/** Returns the retention of a version that is made now. Years are those of the calendar. */
export function toRetention({ mode, days, years }: DefaultRetention, nowMs: number): Retention {
  if (years === undefined) return { mode, retainUntilMs: nowMs + (days ?? 0) * dayMs }
  const until = new Date(nowMs)
  until.setUTCFullYear(until.getUTCFullYear() + years)
  return { mode, retainUntilMs: until.getTime() }
}

/**
 * Reads the body of PutObjectRetention; undefined for an empty `Retention`, which removes it.
 *
 * @throws {AwsError} `MalformedXML`; `InvalidArgument` for a time that has passed.
 */
export function readRetention(text: string, nowMs: number): Retention | undefined {
  const root = parseXml(text, configurationLimits)
  if (root.name !== 'Retention') throw malformed('the body must be a Retention')
  requireOnly(root, ['Mode', 'RetainUntilDate'])
  if (root.children.length === 0) return undefined
  const retainUntilMs = parseIsoDate(textOf(root, 'RetainUntilDate') ?? '')
  if (Number.isNaN(retainUntilMs)) throw malformed('RetainUntilDate must be a time of ISO 8601')
  requireFuture(retainUntilMs, nowMs)
  return { mode: readMode(textOf(root, 'Mode')), retainUntilMs }
}

/** Reads the body of PutObjectLegalHold. @throws {AwsError} `MalformedXML`. */
export function readLegalHold(text: string): boolean {
  const root = parseXml(text, configurationLimits)
  if (root.name !== 'LegalHold') throw malformed('the body must be a LegalHold')
  requireOnly(root, ['Status'])
  const status = textOf(root, 'Status')
  if (status === 'ON' || status === 'OFF') return status === 'ON'
  throw malformed('the Status of a legal hold must be ON or OFF')
}

/** Returns the mode of that name, in upper case as AWS has it; undefined for any other text. */
export function findMode(text: string | undefined): RetentionMode | undefined {
  return modes.find((mode) => mode === text)
}

/** Returns a time of ISO 8601 with its time zone, in Unix milliseconds; NaN for any other text. */
export function parseIsoDate(text: string): number {
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/
  return form.test(text) ? Date.parse(text) : Number.NaN
}

/** @throws {AwsError} `InvalidArgument` with AWS's sentence. */
export function requireFuture(retainUntilMs: number, nowMs: number): void {
  if (retainUntilMs > nowMs) return
  throw new AwsError('InvalidArgument', 'The retain until date must be in the future!')
}

function readDefault(node: XmlNode): DefaultRetention {
  requireOnly(node, ['Mode', 'Days', 'Years'])
  const mode = readMode(textOf(node, 'Mode'))
  const days = wholeNumber(node, 'Days')
  const years = wholeNumber(node, 'Years')
  if ((days === undefined) === (years === undefined))
    throw malformed('a DefaultRetention must have either Days or Years')
  const period = days ?? years ?? 0
  const max = days === undefined ? maxYears : maxDays
  if (period < 1) throw invalidPeriod('Default retention period must be a positive integer value.')
  if (period > max)
    throw invalidPeriod(
      `Default retention period too large; at most ${maxDays} days or ${maxYears} years are allowed.`,
    )
  return { mode, days, years }
}

function readMode(text: string | undefined): RetentionMode {
  const mode = findMode(text)
  if (mode === undefined) throw malformed('the Mode must be GOVERNANCE or COMPLIANCE')
  return mode
}

function invalidPeriod(message: string): AwsError {
  return new AwsError('InvalidRetentionPeriod', message, { status: 400 })
}
