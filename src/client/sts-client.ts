/** Exchanges a token or a signature for temporary credentials: one request, or one for each role of a chain. */
import { StsCliError } from '../base/errors.ts'
import type { Credentials, TemporaryCredentials } from '../protocol/credentials.ts'
import type { StsAnswer } from '../protocol/sts-wire.ts'
import { callSts } from './call-sts.ts'
import type { ExchangeOptions, NetOptions } from './options.ts'
import { planRequests } from './plan-requests.ts'
import { buildForm, type StsRequest } from './sts-form.ts'

/** The minimum of MinIO and AWS; MinIO refuses a request for less. */
const minDurationSeconds = 900
const maxDurationSeconds = 31_536_000

export interface TokenToExchange {
  /** As the identity provider gave it; undefined for actions that take none. */
  readonly token: string | undefined
  /** The token's own lifetime, which is requested when no other is given and it is long enough. */
  readonly expiresInSeconds: number | undefined
  /** The time of the signature of `assume-role`. */
  readonly nowMs: number
}

/**
 * Exchanges a token (or, for `assume-role`, a signature) for temporary credentials, and assumes the further roles of a chain with them. The
 * credentials between are used for the next role only, and are stored nowhere.
 *
 * @throws {StsCliError} What `callSts` throws; `ERR_REFUSED` when the credentials are not those of the expected account or issuer.
 */
export async function exchangeToken(
  given: TokenToExchange,
  options: ExchangeOptions,
  net: NetOptions,
): Promise<TemporaryCredentials> {
  const [first, ...further] = planRequests(options)
  if (options.expectIssuer !== undefined) {
    const { checkTokenIssuer } = await import('./check-expectations.ts')
    checkTokenIssuer(given.token, options.expectIssuer)
  }
  const durationSeconds =
    further.length > 0
      ? first.durationSeconds
      : chooseDuration(first.durationSeconds, given.expiresInSeconds)
  const ask = (request: StsRequest, signWith: Credentials | undefined): Promise<StsAnswer> =>
    callSts(
      {
        endpoint: options.stsEndpoint,
        form: buildForm(request),
        signWith,
        region: options.region,
        nowMs: given.nowMs,
        roleName: further.length > 0 ? request.roleArn : undefined,
      },
      net,
    )
  const issued = await ask({ ...first, token: given.token, durationSeconds }, options.signWith)
  if (options.expectIssuer !== undefined) {
    const { checkProvider } = await import('./check-expectations.ts')
    checkProvider({ answer: issued, token: given.token }, options.expectIssuer)
  }
  let answer = issued
  for (const request of further) answer = await ask(request, requireCredentials(answer))
  const credentials = requireCredentials(answer)
  if (options.expectAccount !== undefined) {
    const { checkAccount } = await import('./check-expectations.ts')
    await checkAccount({ answer, credentials, nowMs: given.nowMs }, options, net)
  }
  return credentials
}

function requireCredentials({ credentials }: StsAnswer): TemporaryCredentials {
  if (credentials !== undefined) return credentials
  throw new StsCliError('sts-credentials-missing', 'the STS answered without credentials', {
    stage: 'sts',
  })
}

function chooseDuration(
  asked: number | undefined,
  expiresInSeconds: number | undefined,
): number | undefined {
  if (asked !== undefined) return asked
  if (expiresInSeconds === undefined || expiresInSeconds < minDurationSeconds) return undefined
  return Math.min(expiresInSeconds, maxDurationSeconds)
}
