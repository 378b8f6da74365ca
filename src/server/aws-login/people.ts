/** Whoever signed in: which of the provider's tokens speaks for them, which roles they may have, and their credentials. */
import { readNumber, readString, type JsonObject } from '../../base/parse.ts'
import type { TemporaryCredentials } from '../../protocol/credentials.ts'
import { hash } from '../../protocol/digest.ts'
import { splitJwt } from '../../protocol/jwt/decode-jwt.ts'
import type { HttpRequest } from '../http/http-message.ts'
import type { RequestRecorder } from '../http/request-recorder.ts'
import { readDisplayName } from '../sessions/describe-principal.ts'
import { federateToken } from '../sts/federate-token.ts'
import { listGrantedRoles, type GrantedRole } from '../sts/list-granted-roles.ts'
import { noSessionParameters } from '../sts/session-parameters.ts'
import type { StsServices } from '../sts/sts-action.ts'
import { LoginError, readTokenFault } from './login-error.ts'
import type { LoginMemory } from './login-memory.ts'
import type { LoginProvider, PersonTokens, TokenKind } from './login-provider.ts'
import type { Sealer } from './seal.ts'

/** A person who signed in at the provider. */
export interface Person {
  /** The provider's token that the STS takes for this person. */
  readonly token: string
  readonly kind: TokenKind
  /** The provider's refresh token; undefined if the login ends with the token. */
  readonly refreshToken: string | undefined
}

export interface People {
  /** Returns the person of the provider's tokens, and their roles. @throws {LoginError} `ForbiddenException` if they have none here. */
  recognise(tokens: PersonTokens): Promise<{ person: Person; roles: readonly GrantedRole[] }>
  listRoles(person: Person): Promise<readonly GrantedRole[]>
  /**
   * Renews a person's token at the provider. A token without a refresh token stays as it is, until its end. Clients take no lock: whoever renews with
   * the same value within a minute gets the same person, and the provider is asked once.
   *
   * @param handedOut The value with which the client renews.
   * @throws {LoginError} `InvalidGrantException` if the provider ended the login.
   */
  renew(person: Person, handedOut: string): Promise<Person>
  /** Issues credentials, as AssumeRoleWithWebIdentity does. @throws {AwsError} Its refusals. */
  issue(
    person: Person,
    wanted: { readonly roleArn: string; readonly durationSeconds: number },
    call: { readonly http: HttpRequest; readonly recorder: RequestRecorder },
  ): Promise<{ credentials: TemporaryCredentials; arn: string }>
}

export interface PeopleOptions {
  readonly sts: StsServices
  readonly provider: LoginProvider
  readonly sealer: Sealer
  readonly memory: LoginMemory
  /** Runs work while nobody else, in any process, has the lock. */
  readonly hold: <T>(name: string, work: () => Promise<T>) => Promise<T>
}

/** Two programs that renew at once do so within seconds. */
const graceMs = 60_000

/** Returns the people of a provider. */
export function createPeople({ sts, provider, sealer, memory, hold }: PeopleOptions): People {
  const recognise: People['recognise'] = async (tokens) => {
    let refusal: unknown
    for (const kind of provider.tokens) {
      const token = tokens[kind]
      if (token === undefined) continue
      try {
        const roles = await listGrantedRoles(token, sts)
        return { person: { token, kind, refreshToken: tokens.refresh }, roles }
      } catch (error) {
        const fault = readTokenFault(error)
        if (fault === undefined || fault === 'try-again') throw error
        refusal ??= error
      }
    }
    const why = refusal instanceof Error ? `: ${refusal.message}` : ''
    throw new LoginError('ForbiddenException', `nobody granted you access here${why}`)
  }
  const renewAtProvider = async (refreshToken: string, kind: TokenKind): Promise<Person> => {
    const tokens = await provider.renew(refreshToken)
    const token = tokens[kind]
    if (token !== undefined) return { token, kind, refreshToken: tokens.refresh }
    // Some providers leave the ID token out of a renewal (OpenID Connect Core §12.2).
    return (await recognise(tokens)).person
  }
  return {
    recognise,
    listRoles: ({ token }) => listGrantedRoles(token, sts),
    async renew(person, handedOut) {
      const { refreshToken, kind } = person
      if (refreshToken === undefined) return person
      const key = {
        kind: 'renewed',
        name: hash('sha256', handedOut).toString('base64url'),
      } as const
      // No bucket has this name.
      return hold(`.aws-login/${key.name}`, async () => {
        const known = readPerson(sealer.open('memory', (await memory.read(key)) ?? ''))
        if (known !== undefined) return known
        const renewed = await renewAtProvider(refreshToken, kind)
        const endsAtMs = sts.nowMs() + graceMs
        await memory.add(key, sealer.seal('memory', toJson(renewed), endsAtMs), endsAtMs)
        return renewed
      })
    },
    issue: (person, wanted, call) => issue(person, { ...wanted, ...call }, sts),
  }
}

interface IssueCall {
  readonly roleArn: string
  readonly durationSeconds: number
  readonly http: HttpRequest
  readonly recorder: RequestRecorder
}

async function issue(
  { token }: Person,
  { roleArn, durationSeconds, http, recorder }: IssueCall,
  sts: StsServices,
): ReturnType<People['issue']> {
  const { credentials, assumedRole } = await federateToken(
    token,
    {
      http,
      recorder,
      parameters: new Map([['RoleArn', roleArn]]),
      body: Buffer.alloc(0),
      session: { ...noSessionParameters, durationSeconds },
    },
    sts,
  )
  if (credentials === undefined || assumedRole === undefined)
    throw new Error('the STS issued nothing')
  const { accessKeyId, expiration } = credentials
  recorder.setIssued({ accessKeyId, expiresAtMs: expiration.getTime() })
  return { credentials, arn: assumedRole.arn }
}

/** Returns a person as a part of a sealed value. */
export function toJson({ token, kind, refreshToken }: Person): JsonObject {
  return { token, kind, ...(refreshToken === undefined ? {} : { refreshToken }) }
}

/** Reads a person from a sealed value; undefined if there is none. */
export function readPerson(value: JsonObject | 'over' | undefined): Person | undefined {
  if (value === undefined || value === 'over') return undefined
  const token = readString(value, 'token')
  const kind = readString(value, 'kind')
  if (token === undefined || (kind !== 'id' && kind !== 'access')) return undefined
  return { token, kind, refreshToken: readString(value, 'refreshToken') }
}

/** Returns the time until which the person's token is valid (claim `exp`). */
export function endOfToken({ token }: Person): number {
  return (readNumber(splitJwt(token)?.claims ?? {}, 'exp') ?? 0) * 1000
}

/** Returns the person's name for a page. The token was verified when the person was recognised. */
export function nameOf({ token }: Person): string {
  const claims = splitJwt(token)?.claims ?? {}
  return readDisplayName(claims) ?? readString(claims, 'sub') ?? 'somebody'
}
