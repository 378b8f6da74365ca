/** A whole S3 server in this process: real signatures, a scripted authorizer, and real files in a folder of its own, without a port. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { silentLog, type Log } from '../../../src/base/log.ts'
import { signRequest } from '../../../src/protocol/sigv4/sign.ts'
import {
  isByteSource,
  type HttpHandler,
  type HttpReply,
} from '../../../src/server/http/http-message.ts'
import { toLogFields } from '../../../src/server/http/access-log.ts'
import type { RequestFacts } from '../../../src/server/http/request-facts.ts'
import { listen } from '../../../src/server/http/listener.ts'
import { createRequestAuthenticator } from '../../../src/server/identity/request-authenticator.ts'
import type { AuthorizationRequest, Authorizer } from '../../../src/server/policy/authorizer.ts'
import { combinePolicies } from '../../../src/server/policy/combine-policies.ts'
import { withObjectTags } from '../../../src/server/policy/object-tags.ts'
import type { FileSystem } from '../../../src/server/s3/filesystem/file-system.ts'
import { openFilesystemStore } from '../../../src/server/s3/filesystem/open-filesystem-store.ts'
import { createGatewayBackend } from '../../../src/server/s3/gateway/gateway-backend.ts'
import { openUpstream, type UpstreamOptions } from '../../../src/server/s3/gateway/open-upstream.ts'
import { createS3Handler } from '../../../src/server/s3/handle-s3.ts'
import type { Schedule } from '../../../src/server/s3/request/answer-while-working.ts'
import type { ObjectStore } from '../../../src/server/s3/request/object-store.ts'
import { createStoreBackend } from '../../../src/server/s3/store/store-backend.ts'
import { makeHttpRequest } from './make-request.ts'

export const root = {
  accessKeyId: 'root-user',
  secretAccessKey: 'a-root-secret-of-some-length-000',
}
export const startMs = Date.parse('2026-11-23T16:33:27.595Z')
export const region = 'us-east-1'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
  readonly text: string
  readonly code: string | undefined
  readonly facts: RequestFacts
  /** The facts as the access log prints them. */
  readonly log: Readonly<Record<string, unknown>>
  /** True if a byte of the request body was read. */
  readonly wasBodyRead: boolean
}

export interface Ask {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | Readable | undefined
  /** Sent instead of the hash of the body. */
  readonly payloadHash?: string
  /** Changes the headers after they were signed. */
  readonly tamper?: (headers: Record<string, string>) => void
  readonly isAnonymous?: boolean
  /** The region to sign for, instead of `region`. */
  readonly region?: string
}

export interface Harness {
  readonly backend: BackendKind
  readonly folder: string
  readonly objects: ObjectStore
  readonly clock: { nowMs: number }
  /** The questions to the authorizer, newest last. */
  readonly asked: AuthorizationRequest[]
  /** Decides the questions; a test replaces it to deny. */
  allow: (request: AuthorizationRequest) => boolean
  /** Decides if the action could be allowed on some key of the bucket. */
  allowBucket: (request: AuthorizationRequest) => boolean
  readonly handler: HttpHandler
  checkReady(): Promise<boolean>
  send(method: string, target: string, ask?: Ask): Promise<Answer>
  close(): Promise<void>
}

/** The embedded store, or the gateway with that store as its upstream. */
export type BackendKind = 'store' | 'gateway'
let backendKind: BackendKind = 'store'

/** Makes every harness that is opened later one with the gateway. Each test file has its own instance of this module. */
export function openWithGateway(): void {
  backendKind = 'gateway'
}

export interface HarnessOptions {
  readonly domains?: string[]
  /** Instead of the one for all harnesses. */
  readonly backend?: BackendKind
  /** The region of the server, instead of `region`; empty for any. */
  readonly region?: string
  readonly log?: Log
  /** Replaces the real disk. */
  readonly fs?: FileSystem
  /** Runs what is to happen later; by default nothing does, so that each reply is in one piece. */
  readonly after?: Schedule
  /** True to decide by the buckets' policies too; the scripted authorizer is then the engine behind them. */
  readonly hasBucketPolicies?: boolean
  /** The upstream S3 of a gateway. */
  readonly upstream?: Partial<UpstreamOptions> & { readonly url: URL }
}

export async function openHarness(options: HarnessOptions = {}): Promise<Harness> {
  const folder = await mkdtemp(join(tmpdir(), 'sts-cli-s3-'))
  const closers: (() => Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })]
  const clock = { nowMs: startMs }
  const nowMs = (): number => clock.nowMs
  const log = options.log ?? silentLog
  const objects = await openFilesystemStore(folder, { nowMs, log, fs: options.fs })
  closers.push(() => objects.close())
  const regionOfServer = options.region ?? region
  const services = {
    authenticator: createRequestAuthenticator({
      root,
      sessions: noSessions,
      region: regionOfServer,
      nowMs,
    }),
    region: regionOfServer,
    log,
    after: options.after ?? (() => () => {}),
  }
  const store = createStoreBackend(objects, log)
  let backend = store
  let upstream = options.upstream
  if ((options.backend ?? backendKind) === 'gateway' && upstream === undefined) {
    const authorizer = { authorize: async () => ({ isAllowed: true, reason: 'to the root user' }) }
    const handler = createS3Handler({ ...services, authorizer, backend: store, domains: [] })
    const address = { host: '127.0.0.1', port: 0 }
    const listener = await listen(handler, { ...address, log, isAccessLogged: false, nowMs })
    closers.push(() => listener.close(0))
    upstream = { url: listener.url }
  }
  if (upstream !== undefined) {
    const plain = { kind: 'gateway', region: undefined, style: 'path', ca: undefined } as const
    const upstreamOptions = { ...plain, credentials: root, log, nowMs, ...upstream }
    backend = createGatewayBackend(await openUpstream(upstreamOptions, closers))
  }
  const asked: AuthorizationRequest[] = []
  const engine: Authorizer = {
    authorize: async (request) => {
      asked.push(request)
      return { isAllowed: harness.allow(request), reason: 'as the test says' }
    },
    couldAllow: async (request) => {
      return { isAllowed: harness.allowBucket(request), reason: 'as the test says' }
    },
  }
  const harness: Harness = {
    backend: upstream === undefined ? 'store' : 'gateway',
    folder,
    objects,
    clock,
    asked,
    allow: () => true,
    allowBucket: () => true,
    checkReady: () => backend.checkReady(),
    handler: createS3Handler({
      ...services,
      authorizer: options.hasBucketPolicies
        ? withObjectTags(combinePolicies(engine, backend.findBucketPolicy), backend.readTags)
        : engine,
      backend,
      domains: options.domains ?? [],
    }),
    send: (method, target, ask = {}) => send(harness, method, target, ask),
    async close() {
      for (const close of closers.toReversed()) await close()
    },
  }
  return harness
}

const noSessions = {
  issue: () => Promise.reject(new Error('not here')),
  lookUp: () => Promise.resolve({ outcome: 'unknown' as const }),
  revoke: () => Promise.resolve(),
  checkReady: () => Promise.resolve(true),
  close: () => Promise.resolve(),
}

async function send(harness: Harness, method: string, target: string, ask: Ask): Promise<Answer> {
  const { headers, body, wasRead } = prepare(harness, method, target, ask)
  const [rawPath = '', rawQuery = ''] = splitTarget(target)
  const request = makeHttpRequest({
    method,
    rawPath,
    rawQuery,
    headers: new Map(Object.entries(headers)),
    body,
    receivedAtMs: harness.clock.nowMs,
  })
  const outcome = await harness.handler(request)
  const { reply } = outcome
  const bytes = await readReply(reply.body)
  const facts = (await outcome.finalFacts) ?? outcome.facts
  const text = bytes.toString('latin1')
  return {
    status: reply.status,
    headers: reply.headers ?? {},
    body: bytes,
    text: bytes.toString(),
    code: /<Code>([^<]*)<\/Code>/.exec(text)?.[1],
    facts,
    log: toLogFields(facts),
    wasBodyRead: wasRead(),
  }
}

function prepare(
  harness: Harness,
  method: string,
  target: string,
  ask: Ask,
): { headers: Record<string, string>; body: Readable; wasRead: () => boolean } {
  const bytes = ask.body instanceof Readable ? undefined : Buffer.from(ask.body ?? '')
  const url = new URL(target, `http://${ask.headers?.['host'] ?? '127.0.0.1:9000'}`)
  // a URL normalizes `..`; the path that is sent, and so signed, is the original one
  Object.defineProperty(url, 'pathname', { value: splitTarget(target)[0] })
  const payloadHash = ask.payloadHash ?? sha256(bytes ?? '')
  const given = { ...(bytes ? { 'content-length': String(bytes.length) } : {}), ...ask.headers }
  const signed = signRequest({ method, url, headers: given, payloadHash }, root, {
    region: ask.region ?? region,
    service: 's3',
    nowMs: harness.clock.nowMs,
  })
  const headers = ask.isAnonymous ? { host: url.host, ...given } : { ...signed }
  ask.tamper?.(headers)
  let isRead = false
  const source = ask.body instanceof Readable ? ask.body : Readable.from(pieces(bytes))
  const body = Readable.from(
    (async function* () {
      isRead = true
      yield* source
    })(),
  )
  return { headers, body, wasRead: () => isRead }
}

function* pieces(bytes: Buffer | undefined): Generator<Buffer> {
  const all = bytes ?? Buffer.alloc(0)
  for (let at = 0; at < all.length; at += 65_536) yield all.subarray(at, at + 65_536)
}

function splitTarget(target: string): [string, string] {
  const mark = target.indexOf('?')
  return mark === -1 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)]
}

async function readReply(body: HttpReply['body']): Promise<Buffer> {
  if (body instanceof Readable) return buffer(body)
  if (isByteSource(body)) {
    const bytes = Buffer.alloc(body.lengthBytes)
    let at = 0
    for (let count = -1; at < bytes.length && count !== 0; at += count)
      count = await body.readInto(bytes.subarray(at), at)
    await body.close()
    return bytes.subarray(0, at)
  }
  return Buffer.from(body ?? '')
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

export function md5(data: string | Uint8Array): string {
  return createHash('md5').update(data).digest('hex')
}

/** Returns the texts of all elements with that name, in order. */
export function texts(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(
    (match) => match[1] ?? '',
  )
}
