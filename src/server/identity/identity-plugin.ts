/** Asks an identity plugin, MinIO's interface to other identity providers: it receives an opaque token and returns a user (docs/wire.md §6.3). */
import type { Log } from '../../base/log.ts'
import { isObject, readNumber, readString, type JsonObject } from '../../base/parse.ts'
import type { PostForAnswer } from '../../base/http/json-client.ts'
import { AwsError } from '../../protocol/aws-error.ts'

/** The user that the plugin returns for a token. */
export interface PluginUser {
  readonly user: string
  /** The maximum lifetime of the credentials, set by the plugin. */
  readonly maxValiditySeconds: number
  readonly claims: JsonObject
}

export interface IdentityPlugin {
  /**
   * Returns the user of a token.
   *
   * @throws {AwsError} `AccessDenied` with the plugin's reason when it rejects the token; `InvalidParameterValue` when its answer is not a
   *   user; `ServiceUnavailable` when it does not answer.
   */
  findUser(token: string): Promise<PluginUser>
}

export interface PluginOptions {
  readonly url: string
  readonly post: PostForAnswer
  readonly log: Log
}

const maxTokenBytes = 16 * 1024
const maxUserLength = 256
const maxReasonLength = 300

/** Returns a client of the identity plugin. It fails closed: any answer but a complete user is an error. */
export function createIdentityPlugin({ url, post, log }: PluginOptions): IdentityPlugin {
  return {
    async findUser(token) {
      if (Buffer.byteLength(token) > maxTokenBytes)
        throw new AwsError(
          'InvalidParameterValue',
          `the token is longer than ${maxTokenBytes} bytes`,
        )
      const target = new URL(url)
      target.searchParams.set('token', token)
      const answer = await post(target).catch((cause: unknown) => {
        log.error({ reason: String(cause) }, 'the identity plugin did not answer')
        throw new AwsError('ServiceUnavailable', 'the identity plugin does not answer; try again', {
          cause,
        })
      })
      if (answer.status === 403) throw new AwsError('AccessDenied', readReason(answer.json))
      const user = answer.status === 200 ? readUser(answer.json) : undefined
      if (user !== undefined) return user
      log.error(
        { status: answer.status },
        'the identity plugin answered something else than a user',
      )
      throw new AwsError(
        'InvalidParameterValue',
        'the identity plugin does not vouch for the token',
      )
    },
  }
}

function readReason(json: unknown): string {
  const reason = isObject(json) ? (readString(json, 'reason') ?? '') : ''
  const printable = reason.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ').slice(0, maxReasonLength)
  return `the identity plugin refuses the token${printable === '' ? '' : `: ${printable}`}`
}

/** Returns undefined for an incomplete user. The limits of `maxValiditySeconds` are MinIO's. */
function readUser(json: unknown): PluginUser | undefined {
  if (!isObject(json)) return undefined
  const user = readString(json, 'user') ?? ''
  const maxValiditySeconds = readNumber(json, 'maxValiditySeconds') ?? 0
  const claims = json['claims'] ?? {}
  const isComplete =
    user !== '' &&
    user.length <= maxUserLength &&
    maxValiditySeconds >= 900 &&
    maxValiditySeconds <= 31_536_000 &&
    isObject(claims)
  return isComplete ? { user, maxValiditySeconds, claims } : undefined
}
