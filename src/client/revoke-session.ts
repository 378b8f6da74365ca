import { sendHttp, type HttpAnswer } from '../base/http/http-client.ts'
import type { IssuedCredentials } from '../protocol/credentials.ts'
import { emptySha256 } from '../protocol/sigv4/canonical-request.ts'
import { decodeS3Error } from '../protocol/s3-wire.ts'
import { signRequest } from '../protocol/sigv4/sign.ts'
import type { NetOptions } from './options.ts'

/**
 * Revokes a session at the server that issued it, where that is possible: `sts-cli serve` takes `accessKey` in MinIO's revoke-tokens (docs/wire.md §1.6).
 * A MinIO refuses it, because it finds neither a type nor `fullRevoke`, which would revoke every session of the user; AWS has no such call.
 *
 * @returns `expired` when there is nothing left to revoke: no request is sent then.
 * @throws {StsCliError} whatever `sendHttp` throws.
 */
export async function revokeSession(
  { stsEndpoint, ...credentials }: IssuedCredentials,
  net: NetOptions,
  nowMs: number,
): Promise<'revoked' | 'refused' | 'expired'> {
  if (credentials.expiresAtMs <= nowMs) return 'expired'
  const url = new URL('/minio/admin/v3/revoke-tokens/openid', stsEndpoint)
  url.searchParams.set('accessKey', credentials.accessKeyId)
  const unsigned = { method: 'POST', url, headers: {}, payloadHash: emptySha256 }
  const ask = (region: string): Promise<HttpAnswer> => {
    const headers = signRequest(unsigned, credentials, { region, service: 's3', nowMs })
    return sendHttp({ method: 'POST', url, headers, body: '' }, { ...net, stage: 'sts' })
  }
  const answer = await ask('us-east-1')
  // A server of another region names it.
  const { Region: region } = decodeS3Error(answer.status, answer.body.toString('utf8')).details
  const isElsewhere = answer.status === 400 && region !== undefined
  const { status } = isElsewhere ? await ask(region) : answer
  return status === 204 ? 'revoked' : 'refused'
}
