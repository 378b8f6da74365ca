/** Forwards operations that the upstream may work on for minutes: the client's answer begins while the upstream is silent. */
import { Readable } from 'node:stream'
import { AwsError } from '../../../protocol/aws-error.ts'
import type { HttpReply } from '../../http/http-message.ts'
import type { LongWork } from '../request/s3-operation.ts'
import { prepareMessage, send, toReply, type ForwardOptions, type GatewayCall } from './forward.ts'
import { readErrorDocument, readText } from './upstream-errors.ts'

/**
 * The silence before the answer begins without the upstream's. Upstreams begin theirs sooner than that, once their checks are made; until then
 * its status and headers (`x-amz-version-id`) are the client's too. AWS's SDK for C++ gives up after three seconds.
 */
const silenceMs = 1000
const maxDocumentBytes = 1024 * 1024

/**
 * Authorizes the request, reads its body, and returns the rest of its forwarding as work. The document of the answer is read here, because a failure may be in it although the status
 * is 200 (AWS, "CompleteMultipartUpload").
 */
export async function forwardLongWork(
  call: GatewayCall,
  options: ForwardOptions,
): Promise<LongWork> {
  const message = await prepareMessage(call, options)
  return {
    silenceMs,
    async work(_signal, begin) {
      const answer = await send(call, message)
      const { 'content-length': _, ...headers } = toReply(answer, call).headers ?? {}
      if (answer.body instanceof Readable) begin(headers)
      const text = await readText(answer, maxDocumentBytes)
      if (text === undefined)
        throw new AwsError('ServiceUnavailable', 'the upstream S3 broke off its answer')
      const failure = readErrorDocument(text)
      if (failure) throw failure
      return { status: answer.status, headers, body: text } satisfies HttpReply
    },
  }
}
