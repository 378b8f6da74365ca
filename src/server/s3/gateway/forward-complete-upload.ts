import type { HttpReply } from '../../http/http-message.ts'
import { withoutObjectChecksum } from '../operations/complete-multipart-upload.ts'
import { openBody } from '../request/s3-operation.ts'
import { forward, maxDocumentBytes, type GatewayCall } from './forward.ts'
import { prepareDocument } from './upload-body.ts'

/** Forwards CompleteMultipartUpload. Its checksum headers are about the object, not about the body, which lists the parts. */
export async function forwardCompleteUpload(call: GatewayCall): Promise<HttpReply> {
  const payload = openBody(withoutObjectChecksum(call), { maxBytes: maxDocumentBytes })
  return forward(call, { body: 'document', makeBody: () => prepareDocument(payload) })
}
