/** POST /bucket?delete: each key is allowed or refused by itself; those allowed go on in one request. */
import { createHash } from 'node:crypto'
import { createTurns } from '../../../base/turns.ts'
import { AwsError } from '../../../protocol/aws-error.ts'
import { sha256Hex } from '../../../protocol/sigv4/canonical-request.ts'
import { childText, parseXml, type XmlNode } from '../../../protocol/xml.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { requireKey } from '../names.ts'
import { readDeleteRequest } from '../operations/delete-objects.ts'
import { authorize } from '../s3-operation.ts'
import { elements, join, xmlReply, type XmlElements } from '../s3-xml.ts'
import { ask, requirePlainKey, toReply, type GatewayCall } from './forward.ts'
import type { UploadBody } from './upload-body.ts'
import { readText } from './upstream-errors.ts'

/** Of the judging of keys. */
const keysPerTurn = 16
const maxAnswerBytes = 16 * 1024 * 1024
const bypass = 'x-amz-bypass-governance-retention'
/** What an `Object` may say; the rest would reach the upstream without having been looked at. */
const judged = ['Key', 'VersionId', 'ETag', 'LastModifiedTime', 'Size']

/** @throws {AwsError} as `readDeleteRequest` and `ask`. */
export async function deleteManyThrough(call: GatewayCall): Promise<HttpReply> {
  const { objects, isQuiet } = await readDeleteRequest(call)
  const allowed: XmlNode[] = []
  const refused: XmlElements[] = []
  const takeTurn = createTurns(keysPerTurn)
  for (const object of objects) {
    await takeTurn()
    const refusal = await judge(call, object)
    if (refusal === undefined) allowed.push(object)
    else refused.push(elements({ Error: describe(object, refusal) }))
  }
  if (allowed.length === 0) return xmlReply('DeleteResult', join(refused))
  const instead = rewrite(allowed, isQuiet)
  const answer = await ask(withoutDigests(call), { body: 'document', instead })
  if (refused.length === 0) return toReply(answer, call)
  const outcomes = readOutcomes(await readText(answer, maxAnswerBytes))
  return xmlReply('DeleteResult', join([...outcomes, ...refused]))
}

async function judge(call: GatewayCall, object: XmlNode): Promise<AwsError | undefined> {
  const key = childText(object, 'Key') ?? ''
  const action = childText(object, 'VersionId') ? 's3:DeleteObjectVersion' : 's3:DeleteObject'
  const actions = call.request.headers.has(bypass)
    ? [action, 's3:BypassGovernanceRetention']
    : [action]
  try {
    requireKey(key)
    requirePlainKey(key)
    for (const needed of actions) await authorize(call, needed, { bucket: call.bucket, key })
    return undefined
  } catch (error) {
    // one key's refusal is a line of the answer
    if (error instanceof AwsError) return error
    throw error
  }
}

/** Written anew, so that the upstream reads the keys that were judged and no others. */
function rewrite(objects: readonly XmlNode[], isQuiet: boolean): UploadBody {
  const quiet = isQuiet ? elements({ Quiet: true }) : elements({})
  const entries = objects.map((object) => elements({ Object: copyChildren(object, judged) }))
  const { body: text } = xmlReply('Delete', join([quiet, ...entries]))
  const body = Buffer.from(String(text))
  return {
    headers: {
      'content-length': String(body.length),
      'content-type': 'application/xml',
      'content-md5': createHash('md5').update(body).digest('base64'),
    },
    payloadHash: sha256Hex(body),
    body,
  }
}

function readOutcomes(text: string | undefined): XmlElements[] {
  try {
    const root = parseXml(text ?? '', { maxBytes: maxAnswerBytes, maxDepth: 8 })
    if (root.name !== 'DeleteResult') throw new AwsError('MalformedXML', 'no DeleteResult')
    return root.children.map((outcome) => elements({ [outcome.name]: copyChildren(outcome) }))
  } catch (cause) {
    const message = 'the upstream S3 did not say which keys it deleted'
    throw new AwsError('ServiceUnavailable', message, { cause })
  }
}

function copyChildren({ children }: XmlNode, names?: readonly string[]): XmlElements {
  const kept = children.filter(({ name }) => names?.includes(name) !== false)
  return elements(Object.fromEntries(kept.map(({ name, text }) => [name, text])))
}

function describe(object: XmlNode, { code, message }: AwsError): XmlElements {
  const version = childText(object, 'VersionId')
  return elements({
    Key: childText(object, 'Key'),
    VersionId: version,
    Code: code,
    Message: message,
  })
}

/** They were those of the client's list. */
function withoutDigests(call: GatewayCall): GatewayCall {
  const headers = new Map(call.request.headers)
  for (const name of headers.keys()) {
    if (/^(content-md5|x-amz-sdk-checksum-algorithm|x-amz-checksum-.*)$/.test(name)) {
      headers.delete(name)
    }
  }
  return { ...call, request: { ...call.request, headers } }
}
