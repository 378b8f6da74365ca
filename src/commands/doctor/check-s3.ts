import { StsCliError } from '../../base/errors.ts'
import { sendHttp } from '../../base/http/http-client.ts'
import { toPrintable } from '../../base/terminal/printable.ts'
import type { AwsError } from '../../protocol/aws-error.ts'
import type { TemporaryCredentials } from '../../protocol/credentials.ts'
import { decodeS3Error } from '../../protocol/s3-wire.ts'
import { sha256Hex } from '../../protocol/digest.ts'
import { signRequest } from '../../protocol/sigv4/sign.ts'
import type { ObtainOptions } from '../../client/flow/obtain-credentials.ts'
import type { Check } from './check.ts'

const hints: Readonly<Record<string, string>> = {
  AuthorizationHeaderMalformed: 'sign for the region of the server: --region, or AWS_REGION',
  RequestTimeTooSkewed: 'set this machine’s clock by NTP',
  InvalidAccessKeyId: 'the STS and this S3 do not share what was issued: are they one cluster?',
  // The credentials are seconds old and have signed what is sent: something on the way has changed what the signature covers.
  SignatureDoesNotMatch:
    'a proxy before the server changes the Host header: pass it on (nginx: proxy_set_header Host $http_host), or start serve with --trusted-proxy and send X-Forwarded-Host',
  InvalidTokenId: 'the STS and this S3 do not share their root secret',
}

/** A bucket that need not exist: a list of it must be signed for the server's region, which ListBuckets need not (docs/wire.md §12.2). */
const probedBucket = 'sts-cli-doctor'

/**
 * Lists the buckets with the new credentials, then a bucket, for the region. A refusal by policy passes as well: it means that the signature was
 * accepted.
 *
 * @throws {StsCliError} `ERR_REFUSED` when the signature or the credentials are refused; whatever `sendHttp` throws.
 */
export async function checkS3(
  credentials: TemporaryCredentials,
  { exchange, net }: ObtainOptions,
  nowMs: number,
): Promise<Check> {
  const name = 's3'
  const url = new URL('/', exchange.stsEndpoint)
  if (/(^|\.)sts\.|\.amazonaws\.com(\.cn)?$/.test(url.hostname))
    return { name, level: 'skip', message: `${url.hostname} is an STS alone` }
  const get = (path: string): ReturnType<typeof sendHttp> => {
    const target = new URL(path, url)
    const unsigned = { method: 'GET', url: target, headers: {}, payloadHash: sha256Hex('') }
    const signing = { region: exchange.region, service: 's3', nowMs } as const
    const headers = signRequest(unsigned, credentials, signing)
    return sendHttp({ method: 'GET', url: target, headers }, { ...net, stage: 's3' })
  }
  const answer = await get('/')
  const refusal = readRefusal(answer)
  const isTaken = refusal === undefined || isDenial(refusal)
  const wrongRegion = isTaken ? findRegionRefusal(await get(`/${probedBucket}`)) : undefined
  if (wrongRegion !== undefined) throw toStsCliError(wrongRegion)
  if (refusal === undefined) return { name, level: 'pass', message: 'a signed request is answered' }
  if (isDenial(refusal))
    return {
      name,
      level: 'pass',
      message: 'a signed request is taken; the policy does not let it list the buckets',
    }
  throw toStsCliError(refusal)
}

type Answer = Awaited<ReturnType<typeof sendHttp>>

function readRefusal({ status, body }: Answer): AwsError | undefined {
  return status === 200 ? undefined : decodeS3Error(status, body.toString('utf8'))
}

function isDenial({ code, status }: AwsError): boolean {
  return code === 'AccessDenied' && status === 403
}

/** Other refusals of the probed bucket say nothing about the signature. */
function findRegionRefusal(answer: Answer): AwsError | undefined {
  const refusal = readRefusal(answer)
  return refusal?.code === 'AuthorizationHeaderMalformed' ? refusal : undefined
}

function toStsCliError({ code, message, status }: AwsError): StsCliError {
  return new StsCliError('signed-request-refused', 'a signed request is refused', {
    stage: 's3',
    httpStatus: status,
    serverCode: toPrintable(code, 100),
    serverMessage: toPrintable(message, 500),
    hint: hints[code],
  })
}
