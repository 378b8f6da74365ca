import { Readable } from 'node:stream'
import { escapeXml } from '../../../protocol/xml.ts'
import type { HttpReply } from '../../http/http-message.ts'
import { withoutObjectChecksum } from '../operations/complete-multipart-upload.ts'
import { locateObject } from '../request/address.ts'
import { openBody } from '../request/s3-operation.ts'
import { forward, maxDocumentBytes, type GatewayCall } from './forward.ts'
import { prepareDocument } from './upload-body.ts'

/** A document of this operation has about 500 bytes. A larger one is passed on as it is. */
const maxResultBytes = 64 * 1024

/**
 * Forwards CompleteMultipartUpload. Its checksum headers are about the object, not about the body, which lists the parts. The object's URL in
 * the answer is the upstream's, which clients cannot reach, and becomes the gateway's.
 */
export async function forwardCompleteUpload(call: GatewayCall): Promise<HttpReply> {
  const payload = openBody(withoutObjectChecksum(call), { maxBytes: maxDocumentBytes })
  const makeBody = (): ReturnType<typeof prepareDocument> => prepareDocument(payload)
  const { body, headers, ...reply } = await forward(call, { body: 'document', makeBody })
  const { 'content-length': _, ...others } = headers ?? {}
  const chunks = body instanceof Readable ? body : [Buffer.from(body ?? '')]
  const moved = Readable.from(relocate(chunks, locateObject(call)), { objectMode: false })
  return { ...reply, headers: others, body: moved }
}

/** Passes on the white space that an S3 sends while it works, then the document with another URL. */
async function* relocate(
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
  url: string,
): AsyncGenerator<Buffer> {
  let document = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const isDocument = document.length > 0 || chunk.some((byte) => byte > 0x20)
    if (!isDocument || document.length > maxResultBytes) {
      yield chunk
      continue
    }
    document = Buffer.concat([document, chunk])
    if (document.length > maxResultBytes) yield document
  }
  if (document.length > maxResultBytes) return
  const location = `<Location>${escapeXml(url)}</Location>`
  yield Buffer.from(document.toString().replace(/<Location>[^<]*<\/Location>/, () => location))
}
