/** Buckets made at the upstream, and where clients are told that they lie. */
import { sha256Hex } from '../../../protocol/sigv4/canonical-request.ts'
import { escapeXml } from '../../../protocol/xml.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { readPayload } from '../payload.ts'
import { openBody } from '../s3-operation.ts'
import { elements, xmlReply } from '../s3-xml.ts'
import { ask, forward, maxDocumentBytes, type GatewayCall } from './forward.ts'
import { readText } from './upstream-errors.ts'

/**
 * PUT /bucket. A client that says nothing of a region thinks of the gateway's; the upstream's own is written in, without which AWS
 * refuses outside us-east-1.
 */
export async function createBucketThrough(call: GatewayCall): Promise<HttpReply> {
  const sent = await readPayload(openBody(call, { maxBytes: maxDocumentBytes }))
  const region = call.upstream.homeRegion()
  const isSilent = sent.toString().trim() === ''
  const body = isSilent && region !== 'us-east-1' ? nameRegion(region) : sent
  const upload = {
    headers: { 'content-length': String(body.length) },
    payloadHash: sha256Hex(body),
    body,
  }
  const { headers, ...reply } = await forward(call, { body: 'document', instead: upload })
  return { ...reply, headers: { ...headers, location: `/${call.bucket}` } }
}

/** GET /bucket?location. Clients sign for what this says, and they sign for the gateway. */
export async function locateBucketThrough(call: GatewayCall): Promise<HttpReply> {
  await readText(await ask(call, { body: 'none' }), maxDocumentBytes)
  const region = call.region === 'us-east-1' ? '' : call.region
  const reply = xmlReply('LocationConstraint', elements({}))
  return { ...reply, body: String(reply.body).replace('></', `>${region}</`) }
}

function nameRegion(region: string): Buffer {
  const constraint = `<LocationConstraint>${escapeXml(region)}</LocationConstraint>`
  return Buffer.from(
    `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${constraint}</CreateBucketConfiguration>`,
  )
}
