/**
 * Settings of buckets that nobody can set here yet, so that the server knows the answer: they are not set. One table makes the operations. A
 * PUT of anything else than the unset state has no route, and is `NotImplemented` by name.
 */
import { AwsError } from '../../../protocol/aws-error.ts'
import { malformed, parseXml, type XmlNode } from '../../../protocol/xml.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { readPayload } from '../body/payload.ts'
import { requireBucket } from '../request/require-bucket.ts'
import { openBody, type S3Call, type S3Operation } from '../request/s3-operation.ts'
import { elements, xmlReply, type XmlElements } from '../request/s3-xml.ts'
import { configurationLimits } from '../request/xml-limits.ts'

/** One operation on a setting, and the query parameter that selects it. */
export interface SettingOperation {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  readonly query: string
  readonly optional?: readonly string[]
  readonly operation: S3Operation
}

/** What GET answers: AWS's error, or the root of an empty document with its content. */
type Unset = Missing | { root: string; content?: XmlElements }
type Missing = readonly [code: string, message: string]

interface Setting {
  readonly query: string
  /** S3's names of the operations are `Get`, `Put` and `Delete` before it. */
  readonly noun: string
  /** The actions, without `s3:`. A method without one has no route. */
  readonly actions: { readonly GET: string; readonly PUT?: string; readonly DELETE?: string }
  readonly unset: Unset
}

const payer = { Payer: 'BucketOwner' }

/** Codes and sentences are AWS's ("Error responses", Amazon S3 API Reference); actions are those of its service authorization reference. */
const settings: readonly Setting[] = [
  {
    query: 'accelerate',
    noun: 'BucketAccelerateConfiguration',
    actions: { GET: 'GetAccelerateConfiguration' },
    unset: { root: 'AccelerateConfiguration' },
  },
  {
    query: 'logging',
    noun: 'BucketLogging',
    actions: { GET: 'GetBucketLogging', PUT: 'PutBucketLogging' },
    unset: { root: 'BucketLoggingStatus' },
  },
  {
    query: 'notification',
    noun: 'BucketNotificationConfiguration',
    actions: { GET: 'GetBucketNotification', PUT: 'PutBucketNotification' },
    unset: { root: 'NotificationConfiguration' },
  },
  {
    query: 'replication',
    noun: 'BucketReplication',
    actions: { GET: 'GetReplicationConfiguration', DELETE: 'PutReplicationConfiguration' },
    unset: ['ReplicationConfigurationNotFoundError', 'The replication configuration was not found'],
  },
  {
    query: 'requestPayment',
    noun: 'BucketRequestPayment',
    actions: { GET: 'GetBucketRequestPayment', PUT: 'PutBucketRequestPayment' },
    unset: { root: 'RequestPaymentConfiguration', content: elements(payer) },
  },
  {
    query: 'website',
    noun: 'BucketWebsite',
    actions: { GET: 'GetBucketWebsite', DELETE: 'DeleteBucketWebsite' },
    unset: [
      'NoSuchWebsiteConfiguration',
      'The specified bucket does not have a website configuration',
    ],
  },
]

/** Settings that a bucket may have many of, each with an `id`: query, noun, and the root of the empty list. */
const lists = [
  ['analytics', 'AnalyticsConfiguration', 'ListBucketAnalyticsConfigurationResult'],
  [
    'intelligent-tiering',
    'IntelligentTieringConfiguration',
    'ListBucketIntelligentTieringConfigurationsOutput',
  ],
  ['inventory', 'InventoryConfiguration', 'ListInventoryConfigurationsResult'],
  ['metrics', 'MetricsConfiguration', 'ListMetricsConfigurationsResult'],
] as const

/** The operations on settings of a bucket that are not set. */
export const unsetSettings: readonly SettingOperation[] = [
  ...settings.flatMap(makeOperations),
  ...lists.flatMap(makeListOperations),
]

function makeOperations(setting: Setting): SettingOperation[] {
  const { query, noun, actions } = setting
  const made: SettingOperation[] = [
    { method: 'GET', query, operation: makeGet(`Get${noun}`, `s3:${actions.GET}`, setting.unset) },
  ]
  if (actions.PUT !== undefined)
    made.push({ method: 'PUT', query, operation: makePut(setting, `s3:${actions.PUT}`) })
  if (actions.DELETE !== undefined)
    made.push({ method: 'DELETE', query, operation: makeDelete(noun, `s3:${actions.DELETE}`) })
  return made
}

/** With an `id` AWS says that there is no such configuration, on removing it too; without one it lists all. */
function makeListOperations([query, noun, root]: (typeof lists)[number]): SettingOperation[] {
  const optional = ['id', 'continuation-token']
  const missing = ['NoSuchConfiguration', 'The specified configuration does not exist.'] as const
  const none = elements({ IsTruncated: false })
  const get: S3Operation = {
    name: `GetBucket${noun}`,
    action: `s3:Get${noun}`,
    async run(call) {
      await requireBucket(call)
      return answerUnset(call.query.has('id') ? missing : { root, content: none }, call)
    },
  }
  const remove = makeGet(`DeleteBucket${noun}`, `s3:Put${noun}`, missing)
  return [
    { method: 'GET', query, optional, operation: get },
    { method: 'DELETE', query, optional: ['id'], operation: remove },
  ]
}

/** @throws {AwsError} The setting's own code. */
function answerUnset(unset: Unset, { bucket }: S3Call): HttpReply {
  if ('root' in unset) return xmlReply(unset.root, unset.content ?? elements({}))
  const [code, message] = unset
  throw new AwsError(code, message, { status: 404, details: { BucketName: bucket } })
}

function makeGet(name: string, action: string, unset: Unset): S3Operation {
  return {
    name,
    action,
    async run(call) {
      await requireBucket(call)
      return answerUnset(unset, call)
    },
  }
}

/** Removing what is not set succeeds. */
function makeDelete(noun: string, action: string): S3Operation {
  return {
    name: `Delete${noun}`,
    action,
    async run(call) {
      await requireBucket(call)
      return { status: 204 }
    },
  }
}

/** A PUT of exactly the unset state, which clients send to switch a setting off, changes nothing and so succeeds. */
function makePut({ noun, unset }: Setting, action: string): S3Operation {
  const root = 'root' in unset ? unset.root : ''
  return {
    name: `Put${noun}`,
    action,
    async run(call) {
      const payload = openBody(call, { maxBytes: configurationLimits.maxBytes })
      await requireBucket(call)
      const document = parseXml((await readPayload(payload)).toString(), configurationLimits)
      if (document.name !== root) throw malformed(`the body must be a ${root}`)
      if (!isUnset(document))
        throw new AwsError(
          'NotImplemented',
          `Put${noun} of anything but its default is not implemented`,
        )
      return { status: 200 }
    },
  }
}

/** Returns whether a document sets nothing: it is empty, or says that the owner pays. */
function isUnset({ name, children, text }: XmlNode): boolean {
  if (name !== 'RequestPaymentConfiguration') return children.length === 0 && text.trim() === ''
  const [child, ...more] = children
  return child?.name === 'Payer' && child.text.trim() === payer.Payer && more.length === 0
}
