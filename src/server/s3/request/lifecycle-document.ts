/**
 * The LifecycleConfiguration document of a bucket (AWS, "PutBucketLifecycleConfiguration", and "Lifecycle configuration elements"). It is
 * stored as it was understood, with an ID for each rule.
 */
import { randomBytes } from 'node:crypto'
import { AwsError } from '../../../protocol/aws-error.ts'
import { childrenOf, malformed, parseXml, type XmlNode } from '../../../protocol/xml.ts'
import { readFilter } from './lifecycle-filter.ts'
import type { LifecycleExpiration, LifecycleRule } from './lifecycle-rule.ts'
import { elements, join, xmlReply, type XmlElements } from './s3-xml.ts'
import { requireOnly, textOf, wholeNumber } from './xml-fields.ts'
import { lifecycleLimits } from './xml-limits.ts'

const maxRules = 1000
const maxIdLength = 255
const maxNewerVersions = 100
const dayMs = 24 * 60 * 60 * 1000
const transitions = ['Transition', 'NoncurrentVersionTransition']
/** Elements of MinIO that AWS does not have. */
const minioActions = ['DelMarkerExpiration']
const ruleFields = [
  'ID',
  'Prefix',
  'Filter',
  'Status',
  'Expiration',
  'NoncurrentVersionExpiration',
  'AbortIncompleteMultipartUpload',
  ...transitions,
  ...minioActions,
]

/** Values of `x-amz-transition-default-minimum-object-size`, the default first. Without transitions it has no effect, but is returned. */
export const minimumSizes = ['all_storage_classes_128K', 'varies_by_storage_class'] as const

export interface Lifecycle {
  readonly rules: readonly LifecycleRule[]
  readonly minimumSize: (typeof minimumSizes)[number]
}

/**
 * Reads a client's document.
 *
 * @throws {AwsError} `MalformedXML` for another form, `InvalidArgument` and `InvalidRequest` with AWS's sentences for a value that is not
 *   allowed, `NotImplemented` for a transition.
 */
export function readLifecycleRules(text: string): LifecycleRule[] {
  const root = parseXml(text, lifecycleLimits)
  if (root.name !== 'LifecycleConfiguration' || root.children.length === 0)
    throw malformed('the body must be a LifecycleConfiguration with rules')
  if (root.children.length > maxRules)
    throw invalidRequest(
      `The number of lifecycle rules must not exceed the allowed limit of ${maxRules} rules.`,
    )
  requireOnly(root, ['Rule'])
  const rules = root.children.map(readRule)
  const ids = new Set<string>()
  for (const { id } of rules) {
    if (ids.has(id))
      throw invalidArgument('Rule ID must be unique. Found same ID for more than one rule')
    ids.add(id)
  }
  return rules
}

/** Returns the document that is stored: the client's form, and the minimum size, which is a header at the client. */
export function encodeLifecycle({ rules, minimumSize }: Lifecycle): string {
  const content = join([elements({ [sizeElement]: minimumSize }), describeLifecycleRules(rules)])
  return String(xmlReply('LifecycleConfiguration', content).body)
}

/** Reads a stored document. @throws {AwsError} `MalformedXML` if it is not one. */
export function decodeLifecycle(text: string): Lifecycle {
  const root = parseXml(text, lifecycleLimits)
  const size = textOf(root, sizeElement)
  return {
    rules: childrenOf(root, 'Rule').map(readRule),
    minimumSize: minimumSizes.find((known) => known === size) ?? minimumSizes[0],
  }
}

const sizeElement = 'TransitionDefaultMinimumObjectSize'

/** Returns the content of a `LifecycleConfiguration`. */
export function describeLifecycleRules(rules: readonly LifecycleRule[]): XmlElements {
  return join(rules.map((rule) => elements({ Rule: describeRule(rule) })))
}

function readRule(node: XmlNode): LifecycleRule {
  requireOnly(node, ruleFields)
  const id = textOf(node, 'ID') ?? ''
  if (id.length > maxIdLength)
    throw invalidArgument(`ID length should not exceed allowed limit of ${maxIdLength}`)
  const status = textOf(node, 'Status')
  if (status !== 'Enabled' && status !== 'Disabled')
    throw malformed('the Status of a rule must be Enabled or Disabled')
  const rule = {
    id: id === '' ? randomBytes(24).toString('base64url') : id,
    isEnabled: status === 'Enabled',
    filter: readFilter(node),
    expiration: readExpiration(only(node, 'Expiration')),
    noncurrent: readNoncurrent(only(node, 'NoncurrentVersionExpiration')),
    abortUploadDays: readAbortion(only(node, 'AbortIncompleteMultipartUpload')),
  }
  refuseOtherActions(node)
  checkActions(rule)
  return rule
}

/** @throws {AwsError} `InvalidRequest` for actions that do not go with the rule's filter, and for a rule without one. */
function checkActions({ filter, expiration, noncurrent, abortUploadDays }: LifecycleRule): void {
  if (expiration === undefined && noncurrent === undefined && abortUploadDays === undefined)
    throw invalidRequest('At least one action needs to be specified in a rule')
  const hasTags = filter.tags.length > 0
  const hasSize = filter.sizeGreaterThan !== undefined || filter.sizeLessThan !== undefined
  const what = hasTags ? 'Tags' : 'Object Size'
  if (!hasTags && !hasSize) return
  if (abortUploadDays !== undefined)
    throw invalidRequest(`AbortIncompleteMultipartUpload cannot be specified with ${what}`)
  if (expiration?.isForDeleteMarkers === true)
    throw invalidRequest(`ExpiredObjectDeleteMarker cannot be specified with ${what}`)
}

/** Refuses what would not be carried out, after its own form was checked. */
function refuseOtherActions(node: XmlNode): void {
  for (const transition of transitions.flatMap((name) => childrenOf(node, name))) {
    readDate(textOf(transition, 'Date'))
    if ((textOf(transition, 'StorageClass') ?? '') === '')
      throw malformed('a transition must have a StorageClass')
  }
  const other = [...transitions, ...minioActions].find((name) => childrenOf(node, name).length > 0)
  if (other === undefined) return
  throw new AwsError('NotImplemented', `${other} in a lifecycle rule is not implemented`)
}

function readExpiration(node: XmlNode | undefined): LifecycleExpiration | undefined {
  if (node === undefined) return undefined
  requireOnly(node, ['Days', 'Date', 'ExpiredObjectDeleteMarker', 'ExpiredObjectAllVersions'])
  if (readFlag(node, 'ExpiredObjectAllVersions') === true)
    throw new AwsError('NotImplemented', 'ExpiredObjectAllVersions is not implemented')
  const expiration = {
    days: readDays(node, 'Days', 'Expiration'),
    dateMs: readDate(textOf(node, 'Date')),
    isForDeleteMarkers: readFlag(node, 'ExpiredObjectDeleteMarker'),
  }
  const { days, dateMs, isForDeleteMarkers } = expiration
  const given = [days, dateMs, isForDeleteMarkers === true ? true : undefined]
  const count = given.filter((value) => value !== undefined).length
  if (count > 1 || (count === 0 && isForDeleteMarkers === undefined))
    throw malformed('an Expiration must have one of Days, Date and ExpiredObjectDeleteMarker')
  return expiration
}

function readNoncurrent(node: XmlNode | undefined): LifecycleRule['noncurrent'] {
  if (node === undefined) return undefined
  requireOnly(node, ['NoncurrentDays', 'NewerNoncurrentVersions'])
  const days = readDays(node, 'NoncurrentDays', 'NoncurrentVersionExpiration')
  const newerVersions = readDays(node, 'NewerNoncurrentVersions', 'NoncurrentVersionExpiration')
  if (days === undefined && newerVersions === undefined)
    throw malformed('a NoncurrentVersionExpiration must have NoncurrentDays')
  if ((newerVersions ?? 1) > maxNewerVersions)
    throw invalidArgument(
      `'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be an integer between 1 and ${maxNewerVersions}`,
    )
  return { days, newerVersions }
}

function readAbortion(node: XmlNode | undefined): number | undefined {
  if (node === undefined) return undefined
  requireOnly(node, ['DaysAfterInitiation'])
  const days = readDays(node, 'DaysAfterInitiation', 'AbortIncompleteMultipartUpload')
  if (days === undefined)
    throw malformed('an AbortIncompleteMultipartUpload must have DaysAfterInitiation')
  return days
}

function readDays(node: XmlNode, name: string, action: string): number | undefined {
  const days = wholeNumber(node, name)
  if (days === undefined || days >= 1) return days
  throw invalidArgument(`'${name}' for ${action} action must be a positive integer`)
}

function readFlag(node: XmlNode, name: string): boolean | undefined {
  const text = textOf(node, name)?.toLowerCase()
  if (text === undefined || text === 'true' || text === 'false')
    return text === undefined ? undefined : text === 'true'
  throw malformed(`${name} must be true or false`)
}

/** Returns a date of ISO 8601 as Unix time in milliseconds. @throws {AwsError} `InvalidArgument` for a time of day. */
function readDate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const form = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/
  const dateMs = form.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(dateMs)) throw malformed('a Date must be a date of ISO 8601')
  if (dateMs % dayMs !== 0) throw invalidArgument("'Date' must be at midnight GMT")
  return dateMs
}

function describeRule(rule: LifecycleRule): XmlElements {
  const { expiration, noncurrent, abortUploadDays: days } = rule
  return elements({
    ID: rule.id,
    ...describeFilter(rule),
    Status: rule.isEnabled ? 'Enabled' : 'Disabled',
    Expiration:
      expiration &&
      elements({
        Days: expiration.days,
        Date: expiration.dateMs === undefined ? undefined : toDate(expiration.dateMs),
        ExpiredObjectDeleteMarker: expiration.isForDeleteMarkers,
      }),
    NoncurrentVersionExpiration:
      noncurrent &&
      elements({
        NoncurrentDays: noncurrent.days,
        NewerNoncurrentVersions: noncurrent.newerVersions,
      }),
    AbortIncompleteMultipartUpload:
      days === undefined ? undefined : elements({ DaysAfterInitiation: days }),
  })
}

function describeFilter({ filter }: LifecycleRule): Record<string, XmlElements | string> {
  const { form, prefix, tags, sizeGreaterThan, sizeLessThan } = filter
  if (form === 'rule-prefix') return { Prefix: prefix ?? '' }
  const content = join([
    elements({ Prefix: prefix }),
    ...tags.map(([Key, Value]) => elements({ Tag: elements({ Key, Value }) })),
    elements({ ObjectSizeGreaterThan: sizeGreaterThan, ObjectSizeLessThan: sizeLessThan }),
  ])
  return { Filter: form === 'and' ? elements({ And: content }) : content }
}

function toDate(dateMs: number): string {
  return new Date(dateMs).toISOString()
}

function only(node: XmlNode, name: string): XmlNode | undefined {
  const [child, ...more] = childrenOf(node, name)
  if (more.length > 0) throw malformed(`a rule has ${name} twice`)
  return child
}

function invalidArgument(message: string): AwsError {
  return new AwsError('InvalidArgument', message)
}

function invalidRequest(message: string): AwsError {
  return new AwsError('InvalidRequest', message)
}
