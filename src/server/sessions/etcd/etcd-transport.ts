/** Calls to etcd's members: whom to ask, as which user, and what went wrong. */
import { StsCliError } from '../../../base/errors.ts'
import { readString, type JsonObject } from '../../../base/parse.ts'
import {
  createService,
  type Service,
  type ServiceAnswer,
  type ServiceTls,
} from '../../../base/http/line-stream.ts'
import { readAnswer } from './etcd-answers.ts'
import { hedgeEndpoints } from './hedge-endpoints.ts'

export interface EtcdTransportOptions {
  /** Origins; any of them answers for all. */
  readonly endpoints: readonly string[]
  readonly tls: ServiceTls
  readonly user: { readonly name: string; readonly password: string } | undefined
  /** What one call may take, over all endpoints. */
  readonly limitMs: number
}

export interface EtcdCall {
  readonly path: string
  readonly document: object
  readonly signal: AbortSignal
}

/** All throw `StsCliError`: see `readAnswer`; `ERR_UNAVAILABLE` where no answer came. */
export interface EtcdTransport {
  /** Asks whichever endpoint answers, within the limit. */
  ask(path: string, document: object): Promise<JsonObject>
  askOne(endpoint: number, call: EtcdCall): Promise<JsonObject>
  /** An answer without an end; yields each line with the origin it came from. */
  follow(endpoint: number, call: EtcdCall): AsyncGenerator<ServiceAnswer & { origin: string }>
  /** The endpoint that answered last. */
  readonly preferred: number
  preferNext(): void
  close(): Promise<void>
}

/** A page of values of etcd's greatest size (1.5 MiB) in base64. */
const maxBytes = 72 * 1024 * 1024
/** How long one endpoint may be silent before the next is asked as well. */
const hedgeDelayMs = 400

interface Member {
  readonly service: Service
  readonly origin: string
}

/** A transport; nothing is sent before the first call. */
export function createEtcdTransport(options: EtcdTransportOptions): EtcdTransport {
  const members = options.endpoints.map((origin) => ({
    origin,
    service: createService(origin, options.tls),
  }))
  const authentication = createAuthentication(options.user)
  let preferred = 0
  const askOne = async (endpoint: number, call: EtcdCall): Promise<JsonObject> => {
    const member = pick(members, endpoint)
    const send = (): Promise<JsonObject> => askMember(member, call, authentication)
    return send().catch((error: unknown) => {
      if (!authentication.forgetIfStale(error)) throw error
      return send()
    })
  }

  return {
    askOne,
    async ask(path, document) {
      const race = { count: members.length, preferred, hedgeDelayMs, limitMs: options.limitMs }
      const attempt = (endpoint: number, signal: AbortSignal): Promise<JsonObject> =>
        askOne(endpoint, { path, document, signal })
      try {
        const { value, endpoint } = await hedgeEndpoints(attempt, { ...race, canRetry })
        preferred = endpoint
        return value
      } catch (error) {
        throw error instanceof StsCliError
          ? error
          : unreachable(options.endpoints.join(', '), error)
      }
    },
    async *follow(endpoint, { path, document, signal }) {
      const member = pick(members, endpoint)
      try {
        const headers = {
          ...(await authentication.findHeaders(member, signal)),
          // The member ends the watch when it loses its leader, instead of falling silent.
          'grpc-metadata-hasleader': 'true',
        }
        const call = { path, document, headers, signal, maxBytes }
        for await (const line of member.service.postForLines(call))
          yield { ...line, origin: member.origin }
      } catch (error) {
        throw error instanceof StsCliError ? error : unreachable(member.origin, error)
      }
    },
    get preferred() {
      return preferred
    },
    preferNext() {
      preferred = (preferred + 1) % members.length
    },
    async close() {
      await Promise.all(members.map(({ service }) => service.close()))
    },
  }
}

function pick(members: readonly Member[], endpoint: number): Member {
  const member = members[endpoint]
  if (member === undefined) throw new Error(`there is no endpoint ${endpoint}`)
  return member
}

async function askMember(
  member: Member,
  call: EtcdCall,
  authentication: Authentication,
): Promise<JsonObject> {
  const headers = await authentication.findHeaders(member, call.signal)
  return post(member, { ...call, headers })
}

async function post(
  { service, origin }: Member,
  call: EtcdCall & { headers: Readonly<Record<string, string>> },
): Promise<JsonObject> {
  let answer
  try {
    answer = await service.post({ ...call, maxBytes })
  } catch (error) {
    throw unreachable(origin, error)
  }
  return readAnswer(answer, origin)
}

interface Authentication {
  /** @throws {StsCliError} as every call. */
  findHeaders(member: Member, signal: AbortSignal): Promise<Record<string, string>>
  /** Forgets a token that etcd refused. @returns Whether asking again may help. */
  forgetIfStale(error: unknown): boolean
}

/** A user's token: had with the first call, had again when etcd no longer knows it. */
function createAuthentication(user: EtcdTransportOptions['user']): Authentication {
  let token: string | undefined
  return {
    async findHeaders(member, signal) {
      if (user === undefined) return {}
      if (token === undefined) {
        const call = { path: '/v3/auth/authenticate', document: user, headers: {}, signal }
        token = readString(await post(member, call), 'token')
      }
      return { authorization: token ?? '' }
    },
    forgetIfStale(error) {
      const isStale =
        user !== undefined &&
        error instanceof StsCliError &&
        /auth token|auth store is old/.test(error.serverMessage ?? '')
      if (isStale) token = undefined
      return isStale
    },
  }
}

/** What was refused by one member is refused by all; an outage and a stranger on one member's port are not. */
function canRetry(error: unknown): boolean {
  return !(error instanceof StsCliError) || error.code !== 'ERR_REFUSED'
}

function unreachable(where: string, cause: unknown): StsCliError {
  const hasCode = cause instanceof Error && 'code' in cause && typeof cause.code === 'string'
  const code = hasCode ? String(cause.code) : ''
  const isTls = /CERT|TLS|SSL|ISSUER|SIGNATURE/i.test(code)
  return new StsCliError(
    isTls ? 'etcd-certificate-untrusted' : 'etcd-unreachable',
    isTls
      ? `etcd at ${where} shows a certificate that is not trusted (${code})`
      : `etcd at ${where} does not answer${code === '' ? '' : ` (${code})`}`,
    {
      stage: 'serve',
      cause,
    },
  )
}
