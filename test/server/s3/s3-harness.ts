/** A whole S3 in this process: real signatures, real policies' shape, real files in a folder of its own; no port. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { silentLog, type Log } from '../../../src/base/log.ts'
import { signRequest } from '../../../src/protocol/sigv4/sign.ts'
import type { HttpHandler, HttpRequest } from '../../../src/server/http/http-message.ts'
import { createRequestAuthenticator } from '../../../src/server/identity/request-authenticator.ts'
import type { AuthorizationRequest } from '../../../src/server/policy/authorizer.ts'
import { openFilesystemStore } from '../../../src/server/s3/filesystem/open-filesystem-store.ts'
import { createS3Handler } from '../../../src/server/s3/handle-s3.ts'
import type { ObjectStore } from '../../../src/server/s3/object-store.ts'

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
  readonly log: Readonly<Record<string, unknown>>
  /** Whether a byte of the request's body was asked for. */
  readonly wasBodyRead: boolean
}

export interface Ask {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | Readable | undefined
  /** Instead of the body's hash. */
  readonly payloadHash?: string
  /** Changes the headers after they were signed. */
  readonly tamper?: (headers: Record<string, string>) => void
  readonly isAnonymous?: boolean
}

export interface Harness {
  readonly folder: string
  readonly objects: ObjectStore
  readonly clock: { nowMs: number }
  /** What the authorizer was asked, newest last. */
  readonly asked: AuthorizationRequest[]
  /** Replace to refuse. */
  allow: (request: AuthorizationRequest) => boolean
  readonly handler: HttpHandler
  send(method: string, target: string, ask?: Ask): Promise<Answer>
  close(): Promise<void>
}

export async function openHarness(
  options: { domains?: string[]; log?: Log } = {},
): Promise<Harness> {
  const folder = await mkdtemp(join(tmpdir(), 'sts-cli-s3-'))
  const clock = { nowMs: startMs }
  const nowMs = (): number => clock.nowMs
  const objects = await openFilesystemStore(folder, { nowMs })
  const asked: AuthorizationRequest[] = []
  const harness: Harness = {
    folder,
    objects,
    clock,
    asked,
    allow: () => true,
    handler: createS3Handler({
      authenticator: createRequestAuthenticator({ root, sessions: noSessions, region, nowMs }),
      authorizer: {
        authorize: async (request) => {
          asked.push(request)
          return { isAllowed: harness.allow(request), reason: 'as the test says' }
        },
      },
      objects,
      region,
      domains: options.domains ?? [],
      log: options.log ?? silentLog,
    }),
    send: (method, target, ask = {}) => send(harness, method, target, ask),
    close: () => rm(folder, { recursive: true, force: true }),
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
  const request: HttpRequest = {
    method,
    rawPath,
    rawQuery,
    headers: new Map(Object.entries(headers)),
    body,
    remoteAddress: '127.0.0.1',
    isTls: false,
    requestId: '18EAB9B97537B5B5',
    receivedAtMs: harness.clock.nowMs,
    log: {},
  }
  const reply = await harness.handler(request)
  const bytes = await readReply(reply.body)
  const text = bytes.toString('latin1')
  return {
    status: reply.status,
    headers: reply.headers ?? {},
    body: bytes,
    text: bytes.toString(),
    code: /<Code>([^<]*)<\/Code>/.exec(text)?.[1],
    log: request.log,
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
  // a URL folds `..` away; what is sent, and so signed, is the path as it stands
  Object.defineProperty(url, 'pathname', { value: splitTarget(target)[0] })
  const payloadHash = ask.payloadHash ?? sha256(bytes ?? '')
  const given = { ...(bytes ? { 'content-length': String(bytes.length) } : {}), ...ask.headers }
  const signed = signRequest({ method, url, headers: given, payloadHash }, root, {
    region,
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

async function readReply(body: string | Uint8Array | Readable | undefined): Promise<Buffer> {
  if (body instanceof Readable) return buffer(body)
  return Buffer.from(body ?? '')
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

export function md5(data: string | Uint8Array): string {
  return createHash('md5').update(data).digest('hex')
}

/** Texts of all elements of that name, in order. */
export function texts(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(
    (match) => match[1] ?? '',
  )
}
