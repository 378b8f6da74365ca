/** CreateBucket and GetBucketLocation of the gateway, which translate between its region, if it has one, and the upstream's. */
import { AwsError } from '../../../protocol/aws-error.ts'
import { sha256Hex } from '../../../protocol/digest.ts'
import { parseAnswerXml } from '../../../protocol/parse-answer-xml.ts'
import { escapeXml, parseXml } from '../../../protocol/xml.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { readPayload } from '../body/payload.ts'
import { describeLocation, toLocation } from '../request/bucket-location.ts'
import { openBody } from '../request/s3-operation.ts'
import { configurationLimits } from '../request/xml-limits.ts'
import { requestUpstream, forward, maxDocumentBytes, type GatewayCall } from './forward.ts'
import { notPassedOn } from './not-passed-on.ts'
import { withoutDigests, type UploadBody } from './upload-body.ts'
import { readText } from './upstream-errors.ts'

/**
 * PUT /bucket. A client that names no region means the gateway's, so the upstream's region is filled in: outside us-east-1, AWS requires
 * it.
 *
 * @throws {AwsError} `NotImplemented` for a configuration with more than the location, because no policy was checked for the rest.
 */
export async function forwardCreateBucket(call: GatewayCall): Promise<HttpReply> {
  const makeBody = (): Promise<UploadBody> => makeConfiguration(call)
  const { headers, ...reply } = await forward(withoutDigests(call), { body: 'document', makeBody })
  return { ...reply, headers: { ...headers, location: `/${call.bucket}` } }
}

async function makeConfiguration(call: GatewayCall): Promise<UploadBody> {
  const sent = await readPayload(openBody(call, { maxBytes: configurationLimits.maxBytes }))
  const wanted = readLocation(sent.toString())
  const home = call.upstream.homeRegion()
  const region = wanted !== '' || home === 'us-east-1' ? wanted : home
  const body = region === '' ? Buffer.alloc(0) : nameRegion(region)
  return {
    headers: { 'content-length': String(body.length) },
    payloadHash: sha256Hex(body),
    body,
  }
}

function readLocation(text: string): string {
  if (text.trim() === '') return ''
  const root = parseXml(text, configurationLimits)
  if (root.name !== 'CreateBucketConfiguration')
    throw new AwsError('MalformedXML', 'the body must be a CreateBucketConfiguration')
  const [first, ...more] = root.children
  const other = [first, ...more].find((child) => child && child.name !== 'LocationConstraint')
  if (other !== undefined) throw notPassedOn(other.name)
  if (more.length > 0) throw new AwsError('MalformedXML', 'there are two LocationConstraints')
  return first?.text.trim() ?? ''
}

/**
 * GET /bucket?location. Returns the gateway's region if it has one, because clients sign their requests for the region returned here; else
 * the upstream's answer.
 *
 * @throws {AwsError} `ServiceUnavailable` for an answer without a location.
 */
export async function forwardBucketLocation(call: GatewayCall): Promise<HttpReply> {
  const text = await readText(await requestUpstream(call, { body: 'none' }), maxDocumentBytes)
  const stored = call.region === '' ? readUpstreamLocation(text ?? '') : ''
  return describeLocation(toLocation(stored, call.region))
}

function readUpstreamLocation(text: string): string {
  try {
    const root = parseAnswerXml(text, { maxBytes: maxDocumentBytes, maxDepth: 4 })
    if (root.name === 'LocationConstraint' && /^[a-z0-9-]{0,64}$/i.test(root.text.trim()))
      return root.text.trim()
  } catch (cause) {
    throw unreadable(cause)
  }
  throw unreadable()
}

function unreadable(cause?: unknown): AwsError {
  const message = 'the upstream S3 answered what is not a location'
  return new AwsError('ServiceUnavailable', message, { cause })
}

function nameRegion(region: string): Buffer {
  const constraint = `<LocationConstraint>${escapeXml(region)}</LocationConstraint>`
  return Buffer.from(
    `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${constraint}</CreateBucketConfiguration>`,
  )
}
