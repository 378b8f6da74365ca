/** POST /bucket/key?restore: makes an archived object readable for some days. Other kinds of restore are refused. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { childText, parseXml, type XmlNode } from '../../../protocol/xml.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { readPayload } from '../body/payload.ts'
import { openBody } from '../request/s3-operation.ts'
import { elements, xmlReply } from '../request/s3-xml.ts'
import { configurationLimits } from '../request/xml-limits.ts'
import { forward, type GatewayCall } from './forward.ts'
import { notPassedOn } from './not-passed-on.ts'
import { toDocument, withoutDigests, type UploadBody } from './upload-body.ts'

/** Elements that are forwarded. The others (`SelectParameters`, `OutputLocation`) write the result to another bucket and key. */
const passed = new Set(['Days', 'Description', 'GlacierJobParameters', 'Tier'])

/**
 * Forwards a restore with a new document.
 *
 * @throws {AwsError} `NotImplemented` for a restore that writes elsewhere, because only the object was authorized. As `forward`.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
 */
export function forwardRestore(call: GatewayCall): Promise<HttpReply> {
  const makeBody = (): Promise<UploadBody> => makeRequest(call)
  return forward(withoutDigests(call), { body: 'document', makeBody })
}

async function makeRequest(call: GatewayCall): Promise<UploadBody> {
  const text = (
    await readPayload(openBody(call, { maxBytes: configurationLimits.maxBytes }))
  ).toString()
  return toDocument(text.trim() === '' ? '' : rewrite(text))
}

function rewrite(text: string): string {
  const root = parseXml(text, configurationLimits)
  if (root.name !== 'RestoreRequest')
    throw new AwsError('MalformedXML', 'the body must be a RestoreRequest')
  requirePassed(root)
  const job = root.children.find(({ name }) => name === 'GlacierJobParameters')
  if (job !== undefined) requirePassed(job)
  const content = elements({
    Days: childText(root, 'Days')?.trim(),
    Description: childText(root, 'Description'),
    GlacierJobParameters: job && elements({ Tier: childText(job, 'Tier')?.trim() }),
    Tier: childText(root, 'Tier')?.trim(),
  })
  return String(xmlReply('RestoreRequest', content).body)
}

function requirePassed({ children }: XmlNode): void {
  const other = children.find(({ name }) => !passed.has(name))
  if (other === undefined) return
  throw notPassedOn(`${other.name} of a RestoreRequest`)
}
