/** POST /bucket?delete: each key is authorized separately; the allowed ones are forwarded in one request. */
import { createTurns } from '../../../base/turns.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { describeS3Error } from '../../../protocol/s3-wire.ts'
import { parseAnswerXml } from '../../../protocol/parse-answer-xml.ts'
import { childrenOf, childText, escapeXml, type XmlNode } from '../../../protocol/xml.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { isIdleFlag } from '../request/action-rules.ts'
import { requireKey, requireXmlKey } from '../request/names.ts'
import { readDeleteRequest } from '../operations/delete-objects.ts'
import { elements, join, xmlReply, XmlElements } from '../request/s3-xml.ts'
import { requestUpstream, authorizeHeaders, toReply, type GatewayCall } from './forward.ts'
import { toDocument, withoutDigests, type UploadBody } from './upload-body.ts'
import { readText } from './upstream-errors.ts'
import { authorizeKey, requirePlainKey, requirePlainVersion } from './upstream-names.ts'

/** Number of keys authorized before other requests get a turn. */
const keysPerTurn = 16
const maxAnswerBytes = 16 * 1024 * 1024
const bypass = 'x-amz-bypass-governance-retention'

/** The members of an `Object`, each at most once. Both the authorization and the forwarded request use only these. */
const members = ['Key', 'VersionId', 'ETag', 'LastModifiedTime', 'Size'] as const
type Target = Readonly<Partial<Record<(typeof members)[number], string>>> & { readonly Key: string }

/** @throws {AwsError} as `readDeleteRequest` and `requestUpstream`. */
export async function forwardDeleteObjects(call: GatewayCall): Promise<HttpReply> {
  await authorizeHeaders(call)
  const { objects, isQuiet } = await readDeleteRequest(call)
  const allowed: Target[] = []
  const refused: XmlElements[] = []
  const takeTurn = createTurns(keysPerTurn)
  for (const target of objects.map(readTarget)) {
    await takeTurn()
    const refusal = await findRefusal(call, target)
    if (refusal === undefined) allowed.push(target)
    else refused.push(elements({ Error: describe(target, refusal) }))
  }
  if (allowed.length === 0) return xmlReply('DeleteResult', join(refused))
  const makeBody = async (): Promise<UploadBody> => toDocument(rewrite(allowed, isQuiet))
  const answer = await requestUpstream(withoutDigests(call), { body: 'document', makeBody })
  if (refused.length === 0) return toReply(answer, call)
  const outcomes = readOutcomes(await readText(answer, maxAnswerBytes))
  return xmlReply('DeleteResult', join([...outcomes, ...refused]))
}

/** @throws {AwsError} `MalformedXML` for a repeated element: of two keys, the upstream could read the other one. */
function readTarget(object: XmlNode): Target {
  const twice = members.find((name) => childrenOf(object, name).length > 1)
  if (twice !== undefined) throw new AwsError('MalformedXML', `an Object has ${twice} twice`)
  const found = members.map((name) => [name, childText(object, name)] as const)
  const given = Object.fromEntries(found.filter(([, text]) => text !== undefined && text !== ''))
  return { ...given, Key: childText(object, 'Key') ?? '' }
}

function isBypassing({ request }: GatewayCall): boolean {
  const value = request.headers.get(bypass)
  return value !== undefined && !isIdleFlag(bypass, value)
}

async function findRefusal(call: GatewayCall, target: Target): Promise<AwsError | undefined> {
  const { Key: key, VersionId: version } = target
  const action = version === undefined ? 's3:DeleteObject' : 's3:DeleteObjectVersion'
  const actions = isBypassing(call) ? [action, 's3:BypassGovernanceRetention'] : [action]
  try {
    requireKey(key)
    requirePlainKey(key)
    requireXmlKey(key)
    requirePlainVersion(version)
    const at = { bucket: call.bucket, key, version }
    for (const needed of actions) await authorizeKey(call, needed, at)
    return undefined
  } catch (error) {
    // The error of one key becomes an Error element of the answer.
    if (error instanceof AwsError) return error
    throw error
  }
}

/** Returns a new document, so that the upstream reads exactly the keys that were authorized. */
function rewrite(targets: readonly Target[], isQuiet: boolean): string {
  const quiet = isQuiet ? elements({ Quiet: true }) : elements({})
  const entries = targets.map((target) => {
    const given = members.map((name) => [name, target[name] && guardSpace(target[name])])
    return elements({ Object: elements(Object.fromEntries(given)) })
  })
  return String(xmlReply('Delete', join([quiet, ...entries])).body)
}

/** Escapes white space that an XML reader could change or trim (XML 1.0 §2.11). */
function guardSpace(text: string): XmlElements {
  const escaped = escapeXml(text).replaceAll(/[\t\n]|^ +| +$/g, (space) => {
    return [...space].map((character) => `&#${character.charCodeAt(0)};`).join('')
  })
  return new XmlElements(escaped)
}

function readOutcomes(text: string | undefined): XmlElements[] {
  try {
    const root = parseAnswerXml(text ?? '', { maxBytes: maxAnswerBytes, maxDepth: 8 })
    if (root.name !== 'DeleteResult') throw new AwsError('MalformedXML', 'no DeleteResult')
    return root.children.map((outcome) => elements({ [outcome.name]: copyChildren(outcome) }))
  } catch (cause) {
    const message = 'the upstream S3 did not say which keys it deleted'
    throw new AwsError('ServiceUnavailable', message, { cause })
  }
}

function copyChildren({ children }: XmlNode): XmlElements {
  return elements(Object.fromEntries(children.map(({ name, text }) => [name, text])))
}

function describe({ Key, VersionId }: Target, error: AwsError): XmlElements {
  const { message, reason } = describeS3Error(error)
  return elements({ Key, VersionId, Code: error.code, Message: message, Reason: reason })
}
