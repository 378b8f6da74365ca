/** One request through the real handler, with the questions to the policies and the requests to the upstream recorded. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { silentLog } from '../../../src/base/log.ts'
import type { PooledRequest } from '../../../src/base/http/stream-pool.ts'
import type { HttpReply } from '../../../src/server/http/http-message.ts'
import type { AuthorizationRequest } from '../../../src/server/policy/authorizer.ts'
import { createGatewayBackend } from '../../../src/server/s3/gateway/gateway-backend.ts'
import type { Upstream } from '../../../src/server/s3/gateway/open-upstream.ts'
import { signForUpstream } from '../../../src/server/s3/gateway/upstream-request.ts'
import { createS3Handler } from '../../../src/server/s3/handle-s3.ts'
import { root, startMs } from './s3-harness.ts'
import { keys } from './scripted-upstream.ts'
import type { Need } from './strict-reader.ts'
import { makeHttpRequest } from './make-request.ts'

export type Style = 'path' | 'virtual-host'

export const endpoint = 'upstream.example'
const principal = {
  kind: 'session',
  accessKey: root.accessKeyId,
  subject: 'someone',
  claims: {},
  policyNames: [],
  sessionPolicy: undefined,
  groups: [],
  expiresAtMs: undefined,
  issuedAtMs: undefined,
} as const

export interface Outcome {
  readonly reply: HttpReply
  readonly sent: readonly PooledRequest[]
  readonly allowed: readonly Need[]
  readonly denied: readonly Need[]
  /** The number of questions that had been answered when each request was sent. */
  readonly answeredBefore: readonly number[]
  /** True if a byte of the client's body was read before the last answer of a policy. */
  readonly wasReadEarly: boolean
}

export interface Asked {
  readonly style: Style
  readonly method: string
  readonly target: string
  readonly host: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly isAllowed: (question: AuthorizationRequest) => boolean
  /** If omitted, the policy engine cannot tell. */
  readonly couldAllow?: (action: string) => boolean
}

/** Sends one request through the real handler to an upstream that records what it gets on the wire. */
export async function pass(asked: Asked): Promise<Outcome> {
  const sent: PooledRequest[] = []
  const allowed: Need[] = []
  const denied: Need[] = []
  const answeredBefore: number[] = []
  let isRead = false
  let wasReadEarly = false
  const upstream: Upstream = {
    style: asked.style,
    homeRegion: () => 'us-east-1',
    checkReady: async () => true,
    async send(request) {
      const message = signForUpstream(request, {
        endpoint: { protocol: 'https:', host: endpoint },
        region: 'us-east-1',
        style: asked.style,
        credentials: keys,
        nowMs: startMs,
      })
      sent.push(message)
      answeredBefore.push(allowed.length)
      return { status: 200, headers: new Map(), body: Buffer.from(answerOf(message)) }
    },
  }
  const handler = createS3Handler({
    authenticator: {
      authenticate: async () => ({
        principal,
        parsed: { payloadHash: 'UNSIGNED-PAYLOAD' },
        verified: undefined,
      }),
      authenticateForm: async () => undefined,
    },
    authorizer: {
      async authorize(question) {
        wasReadEarly ||= isRead
        const isAllowed = asked.isAllowed(question)
        const { action, bucket, object: key } = question
        ;(isAllowed ? allowed : denied).push({ action, bucket, key })
        return { isAllowed, reason: 'as the test says' }
      },
      ...(asked.couldAllow && {
        couldAllow: async ({ action }) => ({
          isAllowed: asked.couldAllow?.(action) ?? true,
          reason: 'as the test says',
        }),
      }),
    },
    backend: createGatewayBackend(upstream),
    region: 'us-east-1',
    domains: ['s3.localhost'],
    log: silentLog,
  })
  const [rawPath = '', ...query] = asked.target.split('?')
  const md5 = createHash('md5').update(asked.body).digest('base64')
  const own = { host: asked.host, 'content-length': String(Buffer.byteLength(asked.body)) }
  const { reply } = await handler(
    makeHttpRequest({
      method: asked.method,
      rawPath,
      rawQuery: query.join('?'),
      headers: new Map(Object.entries({ ...own, 'content-md5': md5, ...asked.headers })),
      body: Readable.from(
        (async function* () {
          isRead = true
          yield Buffer.from(asked.body)
        })(),
      ),
      receivedAtMs: startMs,
    }),
  )
  if (reply.body instanceof Readable) reply.body.resume()
  return { reply, sent, allowed, denied, answeredBefore, wasReadEarly }
}

function answerOf({ path }: PooledRequest): string {
  if (path === '/' || path.startsWith('/?'))
    return '<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>'
  return path.includes('delete=') ? '<DeleteResult></DeleteResult>' : ''
}

/** Sends one request, with defaults for everything that a test does not set. */
export function ask(method: string, target: string, more: Partial<Asked> = {}): Promise<Outcome> {
  const plain = { style: 'path', host: 'gateway', headers: {}, body: '' } as const
  return pass({ ...plain, method, target, isAllowed: () => true, ...more })
}

/** Returns the code of an error document. */
export function codeOf({ reply }: Outcome): string | undefined {
  return /<Code>([^<]*)<\/Code>/.exec(String(reply.body))?.[1]
}
