import { escapeXml } from '../../../protocol/xml.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { withoutObjectChecksum } from '../operations/complete-multipart-upload.ts'
import { locateObject } from '../request/address.ts'
import { openBody, type LongWork } from '../request/s3-operation.ts'
import { forwardLongWork } from './forward-long-work.ts'
import { maxDocumentBytes, type GatewayCall } from './forward.ts'
import { prepareDocument } from './upload-body.ts'

/**
 * Forwards CompleteMultipartUpload. Its checksum headers are about the object, not about the body, which lists the parts. The object's URL in
 * the answer is the upstream's, which clients may not reach, and becomes the gateway's.
 */
export async function forwardCompleteUpload(call: GatewayCall): Promise<LongWork> {
  const payload = openBody(withoutObjectChecksum(call), { maxBytes: maxDocumentBytes })
  const { silenceMs, work } = await forwardLongWork(call, {
    body: 'document',
    makeBody: () => prepareDocument(payload),
  })
  return {
    silenceMs,
    work: async (signal, begin) => relocate(await work(signal, begin), locateObject(call)),
  }
}

function relocate(reply: HttpReply, url: string): HttpReply {
  const { body } = reply
  if (typeof body !== 'string') return reply
  const location = `<Location>${escapeXml(url)}</Location>`
  return { ...reply, body: body.replace(/<Location>[^<]*<\/Location>/, () => location) }
}
