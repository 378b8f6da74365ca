import { StsCliError } from '../base/errors.ts'
import { sendHttp } from '../base/http/http-client.ts'
import { toPrintable } from '../base/terminal/printable.ts'
import type { Credentials } from '../protocol/credentials.ts'
import { decodeS3Error } from '../protocol/s3-wire.ts'
import { sha256Hex } from '../protocol/digest.ts'
import { signRequest } from '../protocol/sigv4/sign.ts'
import type { NetOptions } from './options.ts'

export interface PutObjectRequest {
  /** Path style: endpoint, bucket and key. */
  readonly url: URL
  readonly body: string
  readonly credentials: Credentials
  readonly region: string
  readonly nowMs: number
}

/** Puts one small object. @throws {StsCliError} `ERR_REFUSED` with S3's code, or whatever `sendHttp` throws. */
export async function putObject(
  { url, body, credentials, region, nowMs }: PutObjectRequest,
  net: NetOptions,
): Promise<void> {
  const unsigned = {
    method: 'PUT',
    url,
    headers: { 'content-type': 'application/octet-stream' },
    payloadHash: sha256Hex(body),
  }
  const headers = signRequest(unsigned, credentials, { region, service: 's3', nowMs })
  const answer = await sendHttp({ method: 'PUT', url, headers, body }, { ...net, stage: 's3' })
  if (answer.status === 200) return
  const error = decodeS3Error(answer.status, answer.body.toString('utf8'))
  throw new StsCliError('object-store-refused', 'the object store refused', {
    stage: 's3',
    httpStatus: error.status,
    serverCode: toPrintable(error.code, 100),
    serverMessage: toPrintable(error.message, 500),
    requestId: error.requestId,
    cause: error,
  })
}
