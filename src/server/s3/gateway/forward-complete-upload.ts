import { withoutObjectChecksum } from '../operations/complete-multipart-upload.ts'
import { openBody, type LongWork } from '../request/s3-operation.ts'
import { forwardLongWork } from './forward-long-work.ts'
import { maxDocumentBytes, type GatewayCall } from './forward.ts'
import { prepareDocument } from './upload-body.ts'

/** Forwards CompleteMultipartUpload. Its checksum headers are about the object, not about the body, which lists the parts. */
export async function forwardCompleteUpload(call: GatewayCall): Promise<LongWork> {
  const payload = openBody(withoutObjectChecksum(call), { maxBytes: maxDocumentBytes })
  return forwardLongWork(call, { body: 'document', makeBody: () => prepareDocument(payload) })
}
